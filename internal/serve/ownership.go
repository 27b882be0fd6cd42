package serve

import (
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/outbox"
)

// ownership says what in the objects of API servers is this install's to change.
func ownership(install string, controllers []string) outbox.Owner {
	return outbox.Owner{
		Install: install, Controllers: controllers, Finalizers: []string{gateway.Finalizer, ingress.Finalizer, neg.Finalizer},
		Annotations: map[string][]string{
			kind.Gateway: gateway.Annotations(), kind.Ingress: ingress.Annotations(), kind.Service: {annotation.Status},
		},
	}
}
