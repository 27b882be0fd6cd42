package exchange

import (
	"context"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// asker is what matchers ask: an exchange before any filter. It belongs to the exchange and is used again, so that a condition
// that does not hold costs no memory. A matcher that keeps it finds an ended one.
type asker struct {
	running
	of      scope
	request extension.Request
}

// matches asks a chain's matcher. One that panics has not said that the chain need not run, so it runs: nothing passes
// unextended because of a fault.
func (x *Exchange) matches(kind extension.Kind, c *extension.Chain) (yes bool) {
	if c.Match == nil {
		return true
	}
	a := &x.asker
	a.begin(x, kind, c)
	defer a.end()
	defer x.engine.Guard.Recover("match", func() {
		x.engine.Metrics.Extensions.Inc(c.Name+"/match", eventPanicked)
		yes = true
	})
	return c.Match(&a.running, &a.request)
}

func (a *asker) begin(x *Exchange, kind extension.Kind, c *extension.Chain) {
	a.of.engine, a.of.x, a.of.ctx = x.engine, x, context.Background()
	a.scope, a.kind, a.chain = &a.of, kind, c.Name
	a.request.Show(&x.Sent)
}

func (a *asker) end() {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.of.x, a.request = nil, extension.Request{}
}
