package controlplane

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Sinks are several, such as the data planes of this process and a server for those of others.
type Sinks []Sink

// Follow tells all.
func (s Sinks) Follow(locations []config.Location) {
	for _, sink := range s {
		sink.Follow(locations)
	}
}

// Apply gives all the next transaction.
func (s Sinks) Apply(tx *lbv1.Transaction) {
	for _, sink := range s {
		sink.Apply(tx)
	}
}
