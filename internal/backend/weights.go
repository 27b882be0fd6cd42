package backend

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// WeightInput is a backend service as one location sees it.
type WeightInput struct {
	Location string
	Service  *lbv1.BackendService
	// Groups are the NEGs of the service's backends by name.
	Groups map[string]neg.Group
}

// Weigher splits a backend service's traffic of a location over its groups. It is pure.
type Weigher func(v *recompute.View, in WeightInput) []*lbv1.GroupWeight

// weights makes the split of every location of the scope.
func (b *builder) weights(name string, service *lbv1.BackendService) []*lbv1.Resource {
	if b.options.Traffic == nil {
		return nil
	}
	groups := map[string]neg.Group{}
	for _, s := range b.sources {
		for _, g := range s.groups.Groups {
			groups[g.Name] = g
		}
	}
	var out []*lbv1.Resource
	for _, location := range b.key.Scope.ReadLocations(b.view, b.options.Home) {
		split := b.options.Traffic(b.view, WeightInput{Location: location, Service: service, Groups: groups})
		out = append(out, &lbv1.Resource{Name: name + "/" + location, Body: &lbv1.Resource_Weights{
			Weights: &lbv1.Weights{BackendService: name, Location: location, Groups: split},
		}})
	}
	return out
}
