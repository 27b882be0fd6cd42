package backend

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// setSettings applies what Configurations say of the Service. Each setting comes from the first entry that selects it.
func (k Key) setSettings(v *recompute.View, to *lbv1.BackendService) {
	all := configuration.Backends(v)
	for i := len(all) - 1; i >= 0; i-- {
		s := &all[i]
		if !s.Service.Selects(k.Scope.Cluster, k.Namespace, k.Name) {
			continue
		}
		if l := s.Limits; l != nil {
			to.Limits = &lbv1.CircuitLimits{
				MaxConnections: uint32(l.MaxConnections), MaxRequests: uint32(l.MaxRequests), MaxRetries: uint32(l.MaxRetries),
			}
		}
		if o := s.OutlierDetection; o != nil {
			to.OutlierDetection = outlierDetection(o)
		}
	}
}

func outlierDetection(o *spillwayv1alpha1.OutlierDetection) *lbv1.OutlierDetection {
	out := &lbv1.OutlierDetection{ConsecutiveErrors: uint32(o.ConsecutiveErrors), MaxEjectionPercent: uint32(o.MaxEjectionPercent)}
	if d, err := time.ParseDuration(string(o.BaseEjectionTime)); err == nil {
		out.BaseEjectionTime = durationpb.New(d)
	}
	return out
}
