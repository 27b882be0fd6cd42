package urlmap

import (
	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// rules is the index of one host: buckets by path match. It never changes.
type rules struct {
	// byKind is indexed by pathKind. Exact paths are keys as they are; prefixes have no trailing slash; expressions are
	// keyed by the literal that their matches begin with.
	byKind [3]*iradix.Tree[*bucket]
	count  int
}

func newRules() *rules {
	r := &rules{}
	for i := range r.byKind {
		r.byKind[i] = iradix.New[*bucket]()
	}
	return r
}

// find is the rule with the smallest precedence of those that match.
func (r *rules) find(q *query) *Rule {
	if b, ok := r.byKind[exactPath].Get(q.path); ok {
		b.find(q)
	}
	if t := r.byKind[prefixPath]; t.Len() > 0 {
		t.Root().WalkPath(q.path, func(k []byte, b *bucket) bool {
			if len(k) == 0 || len(k) == len(q.path) || q.path[len(k)] == '/' {
				b.find(q)
			}
			return false
		})
	}
	if t := r.byKind[regexPath]; t.Len() > 0 {
		t.Root().WalkPath(q.path, func(_ []byte, b *bucket) bool {
			b.find(q)
			return false
		})
	}
	return q.best
}

// rulesEdit collects changes of one host.
type rulesEdit struct {
	from   *rules
	byKind [3]*iradix.Txn[*bucket]
	count  int
}

func (r *rules) edit() *rulesEdit { return &rulesEdit{from: r, count: r.count} }

func (e *rulesEdit) tree(k pathKind) *iradix.Txn[*bucket] {
	if e.byKind[k] == nil {
		e.byKind[k] = e.from.byKind[k].Txn()
	}
	return e.byKind[k]
}

func (e *rulesEdit) put(r *Rule) {
	t, path := e.tree(r.match.kind), []byte(r.match.path)
	b, ok := t.Get(path)
	if !ok {
		b = &bucket{}
	}
	t.Insert(path, b.with(r))
	e.count++
}

func (e *rulesEdit) delete(r *Rule) {
	t, path := e.tree(r.match.kind), []byte(r.match.path)
	b, ok := t.Get(path)
	if !ok {
		return
	}
	if left := b.without(r); left != nil {
		t.Insert(path, left)
	} else {
		t.Delete(path)
	}
	e.count--
}

func (e *rulesEdit) commit() *rules {
	next := *e.from
	next.count = e.count
	for k, t := range e.byKind {
		if t != nil {
			next.byKind[k] = t.CommitOnly()
		}
	}
	return &next
}
