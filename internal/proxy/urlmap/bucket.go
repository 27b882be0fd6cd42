package urlmap

import (
	"bytes"
	"slices"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// bucket holds the rules that share a path match. Those that compare a header or query parameter with an exact value are
// found by that value; the others are tried one by one in order of precedence. A bucket never changes.
type bucket struct {
	plain []*Rule
	keyed []keyed
}

// keyed is the rules of a bucket that are looked up by one header or query parameter.
type keyed struct {
	by     *valueMatch // whose name counts
	param  bool
	values *iradix.Tree[[]*Rule]
}

// find puts the bucket's best match into q, if it goes before what q has.
func (b *bucket) find(q *query) {
	q.try(b.plain)
	for i := range b.keyed {
		k := &b.keyed[i]
		value, ok := k.value(q)
		if !ok {
			continue
		}
		if rules, found := k.values.Get(value); found {
			q.try(rules)
		}
		if !k.param {
			continue
		}
		if value, ok = decoded(value); ok {
			if rules, found := k.values.Get(value); found {
				q.try(rules)
			}
		}
	}
}

func (k *keyed) value(q *query) ([]byte, bool) {
	if k.param {
		return q.param(k.by.name)
	}
	return q.header(k.by)
}

// try takes the first rule that matches from a list in order of precedence.
func (q *query) try(rules []*Rule) {
	for _, r := range rules {
		if q.best != nil && r.Precedence >= q.best.Precedence {
			return
		}
		if r.match.matches(q) {
			q.best = r
			return
		}
	}
}

// key is one way to look up a rule.
type key struct {
	by    *valueMatch
	param bool
}

// keys are the exact comparisons of a rule.
func (m *match) keys() []key {
	var out []key
	for i := range m.headers {
		if m.headers[i].kind == exactValue {
			out = append(out, key{&m.headers[i], false})
		}
	}
	for i := range m.params {
		if m.params[i].kind == exactValue {
			out = append(out, key{&m.params[i], true})
		}
	}
	return out
}

// with returns the bucket with one more rule, under the comparison that tells it best from the others.
func (b *bucket) with(r *Rule) *bucket {
	next := *b
	var best []*Rule
	at, chosen := -1, key{}
	for _, k := range r.match.keys() {
		i, rules := b.lookup(k)
		if chosen.by == nil || len(rules) < len(best) {
			at, chosen, best = i, k, rules
		}
	}
	if chosen.by == nil {
		next.plain = insert(b.plain, r)
		return &next
	}
	next.keyed = slices.Clone(b.keyed)
	if at < 0 {
		at = len(next.keyed)
		next.keyed = append(next.keyed, keyed{chosen.by, chosen.param, iradix.New[[]*Rule]()})
	}
	next.keyed[at].values, _, _ = next.keyed[at].values.Insert(chosen.by.exact, insert(best, r))
	return &next
}

// without returns the bucket with one rule less; nil when none is left.
func (b *bucket) without(r *Rule) *bucket {
	next := *b
	next.plain = remove(b.plain, r)
	for _, k := range r.match.keys() {
		i, rules := b.lookup(k)
		if left := remove(rules, r); len(left) < len(rules) {
			next.keyed = slices.Clone(b.keyed)
			next.keyed[i].values = putRules(next.keyed[i].values, k.by.exact, left)
			if next.keyed[i].values.Len() == 0 {
				next.keyed = slices.Delete(next.keyed, i, i+1)
			}
			break
		}
	}
	if len(next.plain) == 0 && len(next.keyed) == 0 {
		return nil
	}
	return &next
}

// lookup finds the list that a key leads to, and the index of its table (-1 without one).
func (b *bucket) lookup(k key) (int, []*Rule) {
	for i := range b.keyed {
		if b.keyed[i].param == k.param && bytes.Equal(b.keyed[i].by.name, k.by.name) {
			rules, _ := b.keyed[i].values.Get(k.by.exact)
			return i, rules
		}
	}
	return -1, nil
}

// putRules changes the list under a key, and drops it when it is empty.
func putRules(t *iradix.Tree[[]*Rule], key []byte, rules []*Rule) *iradix.Tree[[]*Rule] {
	if len(rules) == 0 {
		t, _, _ = t.Delete(key)
		return t
	}
	t, _, _ = t.Insert(key, rules)
	return t
}

// insert returns the list with one more rule, in order of precedence.
func insert(rules []*Rule, r *Rule) []*Rule {
	i, _ := slices.BinarySearchFunc(rules, r.Precedence, comparePrecedence)
	out := make([]*Rule, 0, len(rules)+1)
	out = append(append(out, rules[:i]...), r)
	return append(out, rules[i:]...)
}

// remove returns the list without a rule; the same list if it is not there.
func remove(rules []*Rule, r *Rule) []*Rule {
	i, found := slices.BinarySearchFunc(rules, r.Precedence, comparePrecedence)
	if !found || rules[i] != r {
		return rules
	}
	out := make([]*Rule, 0, len(rules)-1)
	return append(append(out, rules[:i]...), rules[i+1:]...)
}

func comparePrecedence(r *Rule, p string) int { return strings.Compare(r.Precedence, p) }
