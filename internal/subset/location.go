package subset

import (
	"cmp"
	"maps"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// location counts, for each node that it holds, the edges by which held nodes need it.
type location struct {
	name   string // "" takes everything that is anybody's
	counts map[*node]int32
	// turned are the nodes that came to be held or ceased to be in this edit, and whether they were held before.
	turned map[*node]bool
}

func newLocation(name string) *location {
	return &location{name: name, counts: map[*node]int32{}}
}

func (l *location) holds(n *node) bool { return l.counts[n] > 0 }

// counted are the edges that count here and come from what is held.
func (l *location) counted(edges []edge) (to []*node) {
	for _, e := range edges {
		if l.takes(e.location) && l.holds(e.from) {
			to = append(to, e.to)
		}
	}
	return to
}

func (l *location) takes(only string) bool { return only == "" || l.name == "" || only == l.name }

// apply follows an edit of the graph. What was held before has its old edges in the counts; what comes to be held is
// counted with its new ones. Nothing is let go that another edge of the same edit needs.
func (l *location) apply(e *edit) {
	added, removed := l.counted(e.added), l.counted(e.removed)
	l.turned = nil
	l.acquire(added)
	l.release(removed)
}

func (l *location) acquire(nodes []*node) {
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		if l.counts[n]++; l.counts[n] == 1 {
			l.turn(n, false)
			nodes = l.appendNeeded(nodes, n)
		}
	}
}

func (l *location) release(nodes []*node) {
	for len(nodes) > 0 {
		n := nodes[len(nodes)-1]
		nodes = nodes[:len(nodes)-1]
		if l.counts[n]--; l.counts[n] == 0 {
			delete(l.counts, n)
			l.turn(n, true)
			nodes = l.appendNeeded(nodes, n)
		}
	}
}

func (l *location) turn(n *node, before bool) {
	if _, known := l.turned[n]; known {
		return
	}
	if l.turned == nil {
		l.turned = map[*node]bool{}
	}
	l.turned[n] = before
}

// appendNeeded appends what a held node makes needed here, once for each edge.
func (l *location) appendNeeded(nodes []*node, n *node) []*node {
	nodes = append(nodes, n.needs...)
	for part := range n.parts {
		for _, w := range part.wholes {
			if w.node == n && l.takes(w.location) {
				nodes = append(nodes, part)
			}
		}
	}
	return nodes
}

// transaction is what the last edit changed here.
func (l *location) transaction(seq uint64, e *edit, edits uint64) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	for _, c := range e.nodes {
		before, turned := l.turned[c.node]
		if !turned {
			before = l.holds(c.node)
		}
		l.say(tx, c.node, before && c.was)
	}
	var others []*node
	for n, before := range l.turned {
		if n.edited != edits && before != l.holds(n) {
			others = append(others, n)
		}
	}
	slices.SortFunc(others, byKey)
	for _, n := range others {
		l.say(tx, n, l.turned[n] && n.resource != nil)
	}
	return tx
}

// say adds a resource that was there before, or not, as it is now.
func (l *location) say(tx *lbv1.Transaction, n *node, was bool) {
	switch {
	case n.resource != nil && l.holds(n):
		tx.Upserts = append(tx.Upserts, n.resource)
	case was:
		tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: n.key.kind, Name: n.key.name})
	}
}

// everything is the transaction that makes what is held from nothing.
func (l *location) everything(seq uint64) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: seq}
	for _, n := range slices.SortedFunc(maps.Keys(l.counts), byKey) {
		l.say(tx, n, false)
	}
	return tx
}

func byKey(a, b *node) int {
	return cmp.Or(cmp.Compare(a.key.kind, b.key.kind), cmp.Compare(a.key.name, b.key.name))
}
