package traffic

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Location is where proxies run: a region, and a zone if the split depends on it.
type Location struct {
	Region, Zone string
}

// Name is the location in names of resources: the zone, or without one the region.
func (l Location) Name() string {
	if l.Zone != "" {
		return l.Zone
	}
	return l.Region
}

// Backend is one group of endpoints of one zone, as a backend service uses it.
type Backend struct {
	Group        string
	Region, Zone string
	// Endpoints is how many there are, healthy or not.
	Endpoints int
	// Healthy is how many of them are healthy. Weights ignores it; Allocate applies it.
	Healthy int
	// RatePerEndpoint is in requests per second; 0 is DefaultRate.
	RatePerEndpoint float64
	// Scaler is the capacity scaler, 0..1; 0 drains.
	Scaler float64
	// Preferred backends are filled before all others.
	Preferred bool
	// Drained by a Drainer: no capacity for the moment.
	Drained bool
}

// DefaultRate is the target of an endpoint without one: so high that load never overflows.
const DefaultRate = 1e8

// target is the capacity that the backend is filled to: N * X * s.
func (b *Backend) target() float64 {
	if b.Drained || b.Endpoints == 0 {
		return 0
	}
	return float64(b.Endpoints) * b.rate() * b.Scaler
}

func (b *Backend) rate() float64 {
	if b.RatePerEndpoint == 0 {
		return DefaultRate
	}
	return b.RatePerEndpoint
}

// Demand is what one location's proxies ask for, in requests per second.
type Demand struct {
	Origin Location
	Rate   float64
}

// Input is what the split of one backend service depends on.
type Input struct {
	Algorithm lbv1.ServiceLbAlgorithm
	// FailoverThreshold in percent; 0 is 70.
	FailoverThreshold uint32
	Backends          []Backend
	Demand            []Demand
	RTT               *RTT
}

// threshold is the share of healthy endpoints that keeps all load.
func (in *Input) threshold() float64 {
	if in.FailoverThreshold == 0 {
		return 0.7
	}
	return float64(in.FailoverThreshold) / 100
}
