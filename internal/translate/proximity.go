package translate

import (
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/traffic"
)

// Proximity is the Options.Traffic that knows no demand: the nearest region with endpoints gets everything, the others
// stand by in order of distance. Distances are estimates, and what Configurations say.
func Proximity() backend.Weigher {
	estimates := traffic.DefaultRTT()
	return func(v *recompute.View, in backend.WeightInput) []*lbv1.GroupWeight {
		w := traffic.Weights(in.Service.GetTarget(), traffic.Location{Region: in.Location}, traffic.Input{
			Algorithm: in.Service.GetAlgorithm(), FailoverThreshold: in.Service.GetFailoverThreshold(),
			Backends: groups(v, in), RTT: distances(v, estimates),
		})
		return w.GetGroups()
	}
}

// groups are the backends with their numbers of endpoints.
func groups(v *recompute.View, in backend.WeightInput) []traffic.Backend {
	var out []traffic.Backend
	for _, b := range in.Service.GetBackends() {
		group, ok := in.Groups[b.GetGroup()]
		if !ok {
			continue
		}
		sizes, _, _ := recompute.Value[neg.Sizes](v, neg.UnitSizes, group.Key)
		scaler := 1.0
		if b.CapacityScaler != nil {
			scaler = b.GetCapacityScaler()
		}
		out = append(out, traffic.Backend{
			Group: group.Name, Region: group.Region, Zone: group.Zone, Endpoints: sizes[group.Name],
			RatePerEndpoint: b.GetMaxRatePerEndpoint(), Scaler: scaler, Preferred: b.GetPreferred(),
		})
	}
	return out
}

// distances are the estimates with what Configurations say on top.
func distances(v *recompute.View, table *traffic.RTT) *traffic.RTT {
	for _, r := range configuration.RoundTripTimes(v) {
		table = table.With(r.From, r.To, time.Duration(r.Milliseconds)*time.Millisecond)
	}
	return table
}
