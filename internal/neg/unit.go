package neg

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Kinds that the units read.
const (
	kindService       = "Service"
	kindNode          = "Node"
	kindPod           = "Pod"
	kindConfigMap     = "ConfigMap"
	kindEndpointSlice = "EndpointSlice.discovery.k8s.io"
)

// indexSlices files EndpointSlices under CLUSTER/NAMESPACE/SERVICE.
const indexSlices = "neg.slices"

// Units returns the translators of this package by unit kind. They read units of package fleet.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitGroups:  translateGroups,
		UnitSizes:   translateSizes,
		unitMembers: translateMembers,
		unitNodes:   translateNodes,
	}
}

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index {
	return []store.Index{{Name: indexSlices, Kind: kindEndpointSlice, Keys: sliceKeys}}
}

func sliceKeys(ref store.Ref, o store.Object) []string {
	service := o.GetLabels()[discoveryv1.LabelServiceName]
	if service == "" {
		return nil
	}
	return []string{sliceKey(ref.Cluster, ref.Namespace, service)}
}

func sliceKey(cluster, namespace, service string) string {
	return cluster + "/" + namespace + "/" + service
}
