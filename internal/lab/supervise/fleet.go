package supervise

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/wire"
)

// fleetState is which clusters are members of the fleet, and which one is the config cluster.
type fleetState struct {
	all []string

	mu      sync.Mutex
	members map[string]bool
	config  string
}

// newFleetState has every cluster as a member, and the first as the config cluster.
func newFleetState(p *plan.Plan) *fleetState {
	f := &fleetState{all: p.Names(), members: map[string]bool{}, config: p.Clusters[0].Name}
	for _, name := range f.all {
		f.members[name] = true
	}
	return f
}

func (f *fleetState) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members[name]
}

func (f *fleetState) configCluster() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.config
}

// list are the members, in the plan's order.
func (f *fleetState) list() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(f.all), func(name string) bool { return !f.members[name] })
}

// The verbs of `spillway fleet`.
const (
	register   = "register"
	unregister = "unregister"
	configure  = "config"
)

// change does what a verb says; the text tells it.
func (f *fleetState) change(verb, name string) (text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Contains(f.all, name) {
		return "", fmt.Errorf("the lab has no cluster %q", name)
	}
	switch verb {
	case register:
		if f.members[name] {
			return "", fmt.Errorf("%s is a member already", name)
		}
		f.members[name] = true
		return name + " is a member of the fleet", nil
	case unregister:
		if !f.members[name] {
			return "", fmt.Errorf("%s is no member", name)
		}
		if f.config == name {
			return "", fmt.Errorf("%s is the config cluster: choose another one first, with `spillway fleet config CLUSTER`", name)
		}
		delete(f.members, name)
		return name + " is no member of the fleet any more", nil
	case configure:
		if !f.members[name] {
			return "", fmt.Errorf("%s is no member: register it first, with `spillway fleet register %s`", name, name)
		}
		if f.config == name {
			return "", fmt.Errorf("%s is the config cluster already", name)
		}
		f.config = name
		return name + " is the config cluster", nil
	}
	return "", errors.New("a fleet knows no " + verb)
}

// changeFleet changes the members, and has the controller follow.
func (s *supervisor) changeFleet(ctx context.Context, r wire.Request) (wire.Reply, error) {
	text, err := s.fleet.change(r.Verb, r.Cluster)
	if err != nil {
		return wire.Reply{}, err
	}
	s.links.move(s.fleet.configCluster())
	return wire.Reply{Text: text}, s.restartController(ctx)
}
