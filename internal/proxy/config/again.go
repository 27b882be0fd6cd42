package config

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// AgainAt is when something that cannot do its part is worth another try; false if nothing is.
func (r *Root) AgainAt() (at time.Time, ok bool) {
	r.proxies.Root().Walk(func(_ []byte, p *TargetProxy) bool {
		for _, f := range p.faults() {
			if !f.Again.IsZero() && (!ok || f.Again.Before(at)) {
				at, ok = f.Again, true
			}
		}
		return false
	})
	return at, ok
}

// Again is the same state with what was due by now tried again, nil if nothing was. The error says
// what refused it: nothing is in quarantine for that, the resources that it names stay in force.
func (r *Root) Again(now time.Time) (*Root, error) {
	due := func(f extension.Fault) bool { return !f.Again.IsZero() && !f.Again.After(now) }
	e := r.edit()
	r.proxies.Root().Walk(func(_ []byte, p *TargetProxy) bool {
		k := key{kindTargetProxy, p.Name}
		if old := r.entry(k); slices.ContainsFunc(p.faults(), due) {
			e.changes = append(e.changes, &change{key: k, old: old, new: &entry{resource: old.resource}})
		}
		return false
	})
	if len(e.changes) == 0 {
		return nil, nil
	}
	e.link()
	e.compileAll()
	if len(e.refused) > 0 {
		return nil, notAgain(e.refused)
	}
	return e.build(r.seq), nil
}

func notAgain(list []Refusal) error {
	var errs []error
	for _, x := range list {
		errs = append(errs, fmt.Errorf("%s %q: %s", x.Kind, x.Name, x.Reason))
	}
	return errors.Join(errs...)
}

func (p *TargetProxy) faults() []extension.Fault {
	if p.Chains == nil {
		return nil
	}
	return p.Chains.Faults
}
