package ingress

import (
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	unitPlan      = "ingress.plan"
	unitURLMap    = "ingress.urlmap"
	unitAddresses = "ingress.addresses"
	unitFrontend  = "ingress.frontend"
	unitIngress   = "ingress.ingress"
	unitManaged   = "ingress.managed"
)

// indexServices files Ingresses under the Services that they name.
const indexServices = "ingress.services"

// Options are what no object holds.
type Options struct {
	// Home is the region whose address comes first in a status; the cluster's own if empty.
	Home string
}

// Units returns the translators of this package by unit kind. They read units of packages backend and frontend.
func Units(o Options) map[string]recompute.Translator {
	return map[string]recompute.Translator{
		unitPlan:             translatePlan,
		unitFound:            translateFound,
		unitURLMap:           translateURLMap,
		unitAddresses:        addressesUnit{o}.translate,
		unitFrontend:         translateFrontend,
		unitCertificate:      translateCertificate,
		unitIngress:          translateIngress,
		unitManaged:          translateManaged,
		neg.UnitIngressPorts: translateServicePorts,
	}
}

// Roots returns the object kinds that make units of this package exist.
func Roots() []recompute.Root {
	return []recompute.Root{{Kind: kind.Ingress, Unit: unitIngress}, {Kind: kind.ManagedCertificate, Unit: unitManaged}}
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	return []store.Index{
		{Name: indexServices, Kind: kind.Ingress, Keys: serviceKeys},
		{Name: indexManaged, Kind: kind.Ingress, Keys: managedKeys},
	}
}

func serviceKeys(ref store.Ref, o store.Object) []string {
	in, ok := o.(*ingressv1.Ingress)
	if !ok {
		return nil
	}
	var keys []string
	object.EachBackend(&in.Spec, func(b *ingressv1.IngressBackend) {
		if b.Service != nil {
			keys = append(keys, neg.ServiceKey(ref.Cluster, ref.Namespace, b.Service.Name))
		}
	})
	return keys
}

func heldOrAbsent(held bool) recompute.Result {
	if held {
		return recompute.Result{State: recompute.Held}
	}
	return recompute.Result{}
}
