package frontend

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// setSettings applies what Configurations say of the owner. Each setting comes from the first entry that selects it.
func (p Port) setSettings(v *recompute.View, to *lbv1.TargetProxy) {
	all := configuration.Frontends(v)
	for i := len(all) - 1; i >= 0; i-- {
		s := &all[i]
		if !selects(s, p.Owner, p.Class) {
			continue
		}
		if len(s.ALPN) > 0 && to.Tls != nil {
			to.Tls.Alpn = s.ALPN
		}
		if s.TrustedHops != nil {
			to.TrustedHops = uint32(*s.TrustedHops)
		}
		if s.Limits != nil {
			to.Limits = limits(s.Limits)
		}
		if s.GeoDatabase != "" {
			to.GeoDatabase = s.GeoDatabase
		}
		if s.RequestPolicy != nil {
			to.RequestPolicy = requestPolicy(s.RequestPolicy)
		}
	}
}

func selects(s *spillwayv1alpha1.FrontendSettings, owner store.Ref, class string) bool {
	return (s.GatewayClassName == "" || s.GatewayClassName == class) && (s.Gateway == nil || owner.Kind == kind.Gateway) &&
		s.Gateway.Selects(owner.Cluster, owner.Namespace, owner.Name)
}

// HasPlaces tells whether a Configuration names a database of places for an owner.
func HasPlaces(v *recompute.View, owner store.Ref, class string) bool {
	for _, s := range configuration.Frontends(v) {
		if s.GeoDatabase != "" && selects(&s, owner, class) {
			return true
		}
	}
	return false
}

func limits(l *spillwayv1alpha1.HTTPLimits) *lbv1.HttpLimits {
	return &lbv1.HttpLimits{
		IdleTimeout: duration(l.IdleTimeout), HeaderTimeout: duration(l.HeaderTimeout),
		StreamIdleTimeout: duration(l.StreamIdleTimeout), RequestTimeout: duration(l.RequestTimeout),
		MaxHeaderBytes: uint32(l.MaxHeaderBytes), MaxHeaderCount: uint32(l.MaxHeaderCount), MaxUriBytes: uint32(l.MaxURIBytes),
		MaxBodyBytes: uint64(l.MaxBodyBytes), MaxConnections: uint32(l.MaxConnections),
	}
}

func requestPolicy(p *spillwayv1alpha1.RequestPolicy) *lbv1.RequestPolicy {
	return &lbv1.RequestPolicy{
		RepeatedSlashes: reading(p.RepeatedSlashes), Backslashes: reading(p.Backslashes),
		EncodedUnreserved: reading(p.EncodedUnreserved), EncodedSlashes: reading(p.EncodedSlashes),
		DotSegmentParameters: reading(p.DotSegmentParameters),
		Underscores:          lbv1.RequestPolicy_Underscores(lbv1.RequestPolicy_Underscores_value[p.Underscores]),
	}
}

func reading(r spillwayv1alpha1.PathReading) lbv1.RequestPolicy_Reading {
	return lbv1.RequestPolicy_Reading(lbv1.RequestPolicy_Reading_value[string(r)])
}

// duration reads what the CRD lets through; nil if it is not set.
func duration(d spillwayv1alpha1.Duration) *durationpb.Duration {
	parsed, err := time.ParseDuration(string(d))
	if err != nil {
		return nil
	}
	return durationpb.New(parsed)
}
