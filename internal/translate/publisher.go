package translate

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Publisher checks transactions with the proxy's compiler before they go out: what a proxy would refuse stays as it was,
// with what depends on it, and is tried again with every later transaction; the rest of the transaction goes on (see config.Quarantine).
// One goroutine may use it.
type Publisher struct {
	root       *config.Root
	quarantine config.Quarantine
}

// NewPublisher starts with nothing published.
func NewPublisher() *Publisher {
	return &Publisher{root: config.NewWith(config.Location{}, chains.Compiler{}.Provider())}
}

// Check returns what can be published of a transaction and of what waited, nil if that is nothing, and what waits now.
func (p *Publisher) Check(tx *lbv1.Transaction) (*lbv1.Transaction, []config.Refusal) {
	if tx == nil {
		return nil, nil
	}
	root, out := p.quarantine.Apply(p.root, tx)
	p.root = root
	return out, p.quarantine.Refusals()
}

// Waiting returns what was to be published of a resource that is held back, nil for a delete.
func (p *Publisher) Waiting(kind, name string) *lbv1.Resource {
	return p.quarantine.Waiting(kind, name)
}
