package subset

import (
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// key names a resource.
type key struct{ kind, name string }

// node is a resource, or one that is referred to and not there. Edges go from what is held to what is needed for it; they
// make no circle, because kinds refer to one another in one direction.
type node struct {
	key      key
	resource *lbv1.Resource // nil: not there
	// needs are what it refers to. What it is a part of is in wholes instead, and has it among its parts.
	needs  []*node
	wholes []whole
	parts  map[*node]struct{}
	users  int    // how many needs name it
	edited uint64 // the number of the last edit that changed the resource
}

// whole is what a node is a part of, for one location or, if that is "", for all.
type whole struct {
	node     *node
	location string
}

// edge is one that an edit adds or removes.
type edge struct {
	from, to *node
	location string // the only one it counts for, or ""
}

// graph is the model as nodes and edges.
type graph struct {
	nodes map[key]*node
	root  *node // forwarding rules are its parts
	edits uint64
}

func newGraph() *graph {
	return &graph{nodes: map[key]*node{}, root: &node{parts: map[*node]struct{}{}}}
}

// edit is what a transaction changes.
type edit struct {
	nodes          []change
	added, removed []edge
}

// change is a resource that was put, replaced or deleted.
type change struct {
	node *node
	was  bool // it was there before
}

// apply takes over a transaction.
func (g *graph) apply(tx *lbv1.Transaction) *edit {
	g.edits++
	e := &edit{nodes: make([]change, 0, len(tx.GetUpserts())+len(tx.GetDeletes()))}
	for _, r := range tx.GetUpserts() {
		k := lbv1.KeyOf(r)
		g.set(e, g.node(key{k.GetKind(), k.GetName()}), r)
	}
	for _, k := range tx.GetDeletes() {
		if n := g.nodes[key{k.GetKind(), k.GetName()}]; n != nil {
			g.set(e, n, nil)
		}
	}
	return e
}

func (g *graph) node(k key) *node {
	n := g.nodes[k]
	if n == nil {
		n = &node{key: k}
		g.nodes[k] = n
	}
	return n
}

// set puts a resource and its edges in place of the ones before.
func (g *graph) set(e *edit, n *node, r *lbv1.Resource) {
	e.nodes = append(e.nodes, change{node: n, was: n.resource != nil})
	n.edited = g.edits
	needs, wholes := g.edgesOf(r)
	n.resource = r
	if !slices.Equal(n.needs, needs) {
		e.added, e.removed = appendNeeds(e.added, n, needs), appendNeeds(e.removed, n, n.needs)
		for _, to := range needs {
			to.users++
		}
		for _, to := range n.needs {
			to.users--
		}
		n.needs = needs
	}
	if !slices.Equal(n.wholes, wholes) {
		e.added, e.removed = appendWholes(e.added, n, wholes), appendWholes(e.removed, n, n.wholes)
		for _, w := range n.wholes {
			delete(w.node.parts, n)
		}
		for _, w := range wholes {
			if w.node.parts == nil {
				w.node.parts = map[*node]struct{}{}
			}
			w.node.parts[n] = struct{}{}
		}
		n.wholes = wholes
	}
}

func appendNeeds(edges []edge, from *node, needs []*node) []edge {
	for _, to := range needs {
		edges = append(edges, edge{from: from, to: to})
	}
	return edges
}

func appendWholes(edges []edge, part *node, wholes []whole) []edge {
	for _, w := range wholes {
		edges = append(edges, edge{from: w.node, to: part, location: w.location})
	}
	return edges
}

// edgesOf are those of a resource, nil has none.
func (g *graph) edgesOf(r *lbv1.Resource) (needs []*node, wholes []whole) {
	if r == nil {
		return nil, nil
	}
	for _, region := range regionsOf(r.GetForwardingRule()) {
		wholes = append(wholes, whole{g.root, region})
	}
	for _, ref := range config.References(r) {
		to := g.node(key{ref.Kind, ref.Name})
		if ref.Part {
			wholes = append(wholes, whole{to, locationOf(r)})
		} else {
			needs = append(needs, to)
		}
	}
	return needs, wholes
}

// regionsOf are those of a forwarding rule's addresses, each once; "" is everywhere.
func regionsOf(f *lbv1.ForwardingRule) (regions []string) {
	for _, vip := range f.GetVips() {
		if !slices.Contains(regions, vip.GetRegion()) {
			regions = append(regions, vip.GetRegion())
		}
	}
	return regions
}

// locationOf is the only location that a resource is for, or "".
func locationOf(r *lbv1.Resource) string {
	if w := r.GetWeights(); w != nil {
		return w.GetLocation()
	}
	return r.GetEndpointHealth().GetLocation()
}

// forget drops nodes that an edit left without resource and user.
func (g *graph) forget(e *edit) {
	drop := func(n *node) {
		if n.resource == nil && n.users == 0 && len(n.parts) == 0 && n != g.root {
			delete(g.nodes, n.key)
		}
	}
	for _, c := range e.nodes {
		drop(c.node)
	}
	for _, x := range e.removed {
		drop(x.from)
		drop(x.to)
	}
}
