package config

import (
	"errors"
	"fmt"
	"strings"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

// Apply makes the next state, or returns *Refused and changes nothing. Apply calls on states of one New must not overlap,
// and go from the newest. The transaction's resources must not be changed afterwards.
func (r *Root) Apply(tx *lbv1.Transaction) (*Root, error) {
	e := r.edit()
	e.collect(tx)
	e.spread()
	if len(e.refused) == 0 {
		e.link()
		e.resolve()
		e.compileAll()
	}
	if len(e.refused) > 0 {
		return nil, &Refused{Seq: tx.GetSeq(), Resources: e.refused}
	}
	return e.build(tx.GetSeq()), nil
}

func (r *Root) edit() *edit {
	return &edit{old: r, entries: r.entries.Txn(), refs: r.refs.Txn(), slots: r.services.edit(), uses: usesEdit{txn: r.uses.Txn()}}
}

// edit is one Apply. Up to build it writes to copies only.
type edit struct {
	old     *Root
	entries *iradix.Txn[*entry]
	uses    usesEdit
	refs    *iradix.Txn[balance.Ref]
	slots   *slotsEdit
	changes []*change
	refused []Refusal
}

// change is one resource before and after; nil is absent.
type change struct {
	key      key
	old, new *entry
	// because is the change that made this one, which no transaction asked for.
	because *change
}

// blame refuses what was asked for.
func (e *edit) blame(c *change, err error) {
	for ; c.because != nil; c = c.because {
		err = fmt.Errorf("%s %q: %w", c.key.kind, c.key.name, err)
	}
	e.refuse(c.key, err)
}

func (e *edit) refuse(k key, err error) {
	e.refused = append(e.refused, Refusal{Kind: k.kind, Name: k.name, Reason: err.Error()})
}

// collect reads the transaction. What it does not change is left out.
func (e *edit) collect(tx *lbv1.Transaction) {
	seen := make(map[key]bool, len(tx.GetUpserts())+len(tx.GetDeletes()))
	for _, res := range tx.GetUpserts() {
		k := key{kindOf(res), res.GetName()}
		if err := errors.Join(checkKey(k), understand(res.ProtoReflect()), checkSize(res)); err != nil {
			e.refuse(k, err)
			continue
		}
		old := e.old.entry(k)
		switch {
		case seen[k]:
			e.refuse(k, errors.New("is in the transaction twice"))
		case old == nil || !proto.Equal(old.resource, res):
			e.changes = append(e.changes, &change{key: k, old: old, new: &entry{resource: res}})
		}
		seen[k] = true
	}
	for _, d := range tx.GetDeletes() {
		k := key{d.GetKind(), d.GetName()}
		if seen[k] {
			e.refuse(k, errors.New("is in the transaction twice"))
		} else if old := e.old.entry(k); old != nil {
			e.changes = append(e.changes, &change{key: k, old: old})
		}
		seen[k] = true
	}
}

// spread adds those that are compiled again because of what they refer to.
func (e *edit) spread() {
	seen := map[key]bool{}
	for _, c := range e.changes {
		seen[c.key] = true
	}
	for i := 0; i < len(e.changes); i++ { // which grows
		c := e.changes[i]
		if !kinds[c.key.kind].spreads {
			continue
		}
		for _, k := range e.uses.readersOf(c.key) {
			if old := e.old.entry(k); old != nil && !seen[k] {
				seen[k] = true
				e.changes = append(e.changes, &change{key: k, old: old, new: &entry{resource: old.resource}, because: c})
			}
		}
	}
}

func checkKey(k key) error {
	switch {
	case k.kind == "":
		return errors.New("this version does not know the kind of resource")
	case k.name == "":
		return errors.New("the name is empty")
	case strings.IndexByte(k.name, 0) >= 0:
		return errors.New("the name has a zero byte")
	}
	return nil
}

// maxShards bounds what one group can make the compiler do: 65,536 shards are 16 million endpoints.
const maxShards = 1 << 16

func checkSize(r *lbv1.Resource) error {
	if n := r.GetNetworkEndpointGroup().GetShards(); n > maxShards {
		return fmt.Errorf("has %d shards, more than %d", n, maxShards)
	}
	return nil
}

// link brings entries and uses up to date, and numbers new backend services.
func (e *edit) link() {
	for _, c := range e.changes {
		if c.old != nil {
			e.uses.add(c.key, references(c.old.resource), -1)
		}
		if c.new != nil {
			e.uses.add(c.key, references(c.new.resource), +1)
			e.entries.Insert(c.key.bytes(), c.new)
		} else {
			e.entries.Delete(c.key.bytes())
		}
		if c.key.kind == kindBackendService && c.old == nil {
			e.refs.Insert([]byte(c.key.name), e.slots.take())
		}
	}
}

// resolve refuses references to nothing and deletes of what is in use.
func (e *edit) resolve() {
	for _, c := range e.changes {
		if c.new == nil {
			if n := e.uses.count(c.key); n > 0 {
				e.refuse(c.key, fmt.Errorf("is deleted, but %d references are left, such as that of %s", n, someUser(e.entries, c.key)))
			}
			continue
		}
		for _, to := range references(c.new.resource) {
			if _, ok := e.entries.Get(to.bytes()); !ok {
				e.refuse(c.key, fmt.Errorf("refers to %s %q, which does not exist", to.kind, to.name))
			}
		}
	}
}

func (e *edit) compileAll() {
	for _, c := range e.changes {
		if c.new == nil {
			continue
		}
		compiled, err := e.compile(c)
		if p, ok := compiled.(*compiledProxy); ok && err == nil {
			err = e.checkCallouts(c.key.name, p.chains)
		}
		if err != nil {
			e.blame(c, err)
		}
		c.new.compiled = compiled
	}
}

// Ref is the number of a backend service, for rules.
func (e *edit) Ref(name string) (balance.Ref, bool) { return e.refs.Get([]byte(name)) }
