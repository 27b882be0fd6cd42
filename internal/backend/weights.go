package backend

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// WeightInput is a backend service as one location sees it: of the service, what its split depends on.
type WeightInput struct {
	Location string
	Service  *lbv1.BackendService
	// Groups are the NEGs of the service's backends by name.
	Groups map[string]neg.Group
}

// Weigher splits a backend service's traffic of a location over its groups. It is pure.
type Weigher func(v *recompute.View, in WeightInput) []*lbv1.GroupWeight

// needWeights makes the split of every location of the scope exist. Each is a unit of its own, because it changes with
// every endpoint that comes or goes, and the backend service does not.
func (b *builder) needWeights() {
	if b.options.Traffic == nil {
		return
	}
	for _, location := range b.key.Scope.ReadLocations(b.view, b.options.Home) {
		b.view.Unit(unitWeights, unitkey.Join(b.key.String(), location))
	}
}

// translateWeights splits the traffic of one location.
func (t translator) translateWeights(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	k, ok := ParseKey(parts[0])
	if !ok {
		return recompute.Result{}
	}
	b := builder{view: v, options: t.options, key: k}
	if _, held := b.findSources(); held {
		return recompute.Result{State: recompute.Held}
	}
	service := &lbv1.BackendService{Target: k.target(), Backends: b.backends()}
	if !k.Ingress {
		policy.SetDistribution(v, k.Target(), service)
	}
	groups := map[string]neg.Group{}
	for _, s := range b.sources {
		for _, g := range s.groups.Groups {
			groups[g.Name] = g
		}
	}
	name, location := k.ServiceName(v), parts[1]
	split := t.options.Traffic(v, WeightInput{Location: location, Service: service, Groups: groups})
	return recompute.Result{State: recompute.Present, Resources: []*lbv1.Resource{
		{Name: name + "/" + location, Body: &lbv1.Resource_Weights{
			Weights: &lbv1.Weights{BackendService: name, Location: location, Groups: split},
		}},
	}}
}
