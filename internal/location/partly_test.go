package location

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// TestWhatIsDonePartlyIsTriedAgain without a transaction, and told each time it has become different.
func TestWhatIsDonePartlyIsTriedAgain(t *testing.T) {
	var tries atomic.Int64
	partly := func() string {
		switch n := tries.Load(); {
		case n < 4:
			return "two ports elsewhere"
		case n < 8:
			return "one port elsewhere"
		}
		return ""
	}
	said := make(chan string, 10)
	l := New(Config{
		Root: config.New(config.Location{}), Prober: &recorder{}, Retry: time.Millisecond, Partly: partly,
		Publish: func(*config.Root) error {
			tries.Add(1)
			return nil
		},
		Applied: func(seq uint64, err error) { said <- fmt.Sprint(seq, " ", err, " ", partly()) },
	})
	go l.Run(t.Context())
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: service("a")})
	expectSaid(t, said, "1 <nil> two ports elsewhere", "1 <nil> one port elsewhere", "1 <nil> ")
	if got := tries.Load(); got != 8 {
		t.Errorf("published %d times", got)
	}
}
