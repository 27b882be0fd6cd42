package subset

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// Model is what is published, cut for each location. It is not safe for concurrent use; resources are never changed.
type Model struct {
	graph     *graph
	seq       uint64
	locations map[string]*location
}

// New has nothing published and no locations.
func New() *Model { return &Model{graph: newGraph(), locations: map[string]*location{}} }

// Open adds a location, by its region, and returns the transaction that it starts with; nil if nothing has been published.
func (m *Model) Open(name string) *lbv1.Transaction {
	l := newLocation(name)
	l.acquire([]*node{m.graph.root})
	l.turned = nil // it grew with all that there is
	m.locations[name] = l
	if m.seq == 0 {
		return nil
	}
	return l.everything(m.seq)
}

// Close forgets a location.
func (m *Model) Close(name string) { delete(m.locations, name) }

// Apply takes over the next transaction, and returns each location's. A location that nothing changes for gets one
// without resources, so that it can say how far it has come.
func (m *Model) Apply(tx *lbv1.Transaction) map[string]*lbv1.Transaction {
	m.seq = tx.GetSeq()
	e := m.graph.apply(tx)
	out := make(map[string]*lbv1.Transaction, len(m.locations))
	for name, l := range m.locations {
		l.apply(e)
		out[name] = l.transaction(m.seq, e, m.graph.edits)
	}
	m.graph.forget(e)
	return out
}
