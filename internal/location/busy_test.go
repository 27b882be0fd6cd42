package location

import (
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// TestTransactionsDoNotPutOffTheRetry: what is amiss is tried again in its time, however many transactions come meanwhile.
func TestTransactionsDoNotPutOffTheRetry(t *testing.T) {
	again := make(chan struct{}, 1)
	var l *Location
	var last *config.Root
	seq := uint64(0)
	next := func() {
		seq++
		l.Apply(&lbv1.Transaction{Seq: seq, Upserts: []*lbv1.Resource{
			{Name: "d", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 400 + uint32(seq%2)}}},
		}})
	}
	l = New(Config{
		Root: config.New(config.Location{}), Prober: &recorder{}, Retry: 100 * time.Millisecond,
		Publish: func(r *config.Root) error {
			if r == last {
				select {
				case again <- struct{}{}:
				default:
				}
			}
			last = r
			return nil
		},
		Partly:  func() string { return "elsewhere" },
		Applied: func(uint64, error) { next() }, // there is always another one
	})
	next()
	go l.Run(t.Context())
	select {
	case <-again:
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was tried again")
	}
}
