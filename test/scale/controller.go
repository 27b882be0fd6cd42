package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials/insecure"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// controller is one without clusters: whoever has it fills the store.
type controller struct {
	store *store.Store
	loop  *controlplane.Loop
	fleet *ads.Server
	model *model
	at    string
	// proxies are those that it serves, once it has been built.
	proxies *fleet
}

// model remembers the number of the newest transaction.
type model struct {
	*view.Model
	seq  atomic.Uint64
	once sync.Once
	made chan struct{} // closed when there is one
}

func (m *model) Apply(tx *lbv1.Transaction) {
	m.Model.Apply(tx)
	m.seq.Store(tx.GetSeq())
	m.once.Do(func() { close(m.made) })
}

func startController(ctx context.Context) (*controller, error) {
	c := &controller{store: store.New(translate.Indexes()...), model: &model{Model: view.NewModel(), made: make(chan struct{})}}
	c.loop = controlplane.New(controlplane.Config{
		Store: c.store, Engine: recompute.New(translate.Config(translate.Options{Traffic: translate.Proximity()})), Model: c.model,
		Applier: status.NewWriter(c.store, status.Limits{}), Now: time.Now,
		Say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	})
	c.fleet = ads.New(ads.Config{Feedback: c.loop})
	c.loop.To(c.fleet)
	at, err := c.fleet.Listen(ctx, "127.0.0.1:0", insecure.NewCredentials())
	if err != nil {
		return nil, err
	}
	c.at = at.String()
	return c, nil
}

// taken says that every region's proxy has what is published.
func (c *controller) taken(regions int) bool {
	newest, all := c.model.seq.Load(), c.loop.Taken()
	for _, seq := range all {
		if seq < newest {
			return false
		}
	}
	return len(all) == regions
}

// poll is how often a wait looks; it is part of what is measured.
const poll = 100 * time.Microsecond

// await waits until it is so.
func await(ctx context.Context, so func() bool) error {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}
