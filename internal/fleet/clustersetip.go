package fleet

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// translateAddresses hands out the ClusterSetIPs of one cluster. Every name that somebody exports has one, valid or
// not, so that an address does not move when a Service goes and comes back.
func translateAddresses(v *recompute.View, cluster string) recompute.Result {
	var names []string
	for _, kind := range []string{kind.ServiceExport, kind.MCSServiceExport} {
		for _, ref := range v.List(kind, "", "") {
			names = append(names, ref.Namespace+"/"+ref.Name) // the address follows from this text
		}
	}
	slices.Sort(names)
	addresses := map[string]string{}
	for name, addr := range address.Assign(slices.Compact(names), address.ServiceImports(cluster)) {
		addresses[name] = addr.String()
	}
	return recompute.Result{State: recompute.Present, Value: addresses}
}

func addressKey(cluster, namespace, name string) string {
	return unitkey.Join(cluster, namespace, name)
}

// translateAddress picks one name's address, so that imports do not wake when others come and go.
func translateAddress(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 3)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	addresses, _, _ := recompute.Value[map[string]string](v, unitAddresses, parts[0])
	addr, ok := addresses[parts[1]+"/"+parts[2]]
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	return recompute.Result{State: recompute.Present, Value: addr}
}
