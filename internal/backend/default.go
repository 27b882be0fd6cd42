package backend

import (
	"slices"
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// Default returns the backend service that answers with a status of its own, and makes it exist. Each namespace with
// Gateways has one for 404 and one for 500.
func Default(v *recompute.View, s scope.Scope, namespace string, status int) string {
	v.Unit(unitDefault, unitkey.Join(s.String(), namespace, strconv.Itoa(status)))
	return s.Namer().Default(namespace, status, s.Variant())
}

// statuses are those that default backend services answer with.
func statuses() []int { return []int{404, 500} }

// defaultName is the name of the Service that a default backend service would be of. A user may have one of the name.
func defaultName(status int) string { return "gw-serve" + strconv.Itoa(status) }

func isDefault(service string) bool {
	return slices.ContainsFunc(statuses(), func(status int) bool { return service == defaultName(status) })
}

// translateDefault makes a default backend service. That for 404 has a health check, as on GKE; nothing is probed.
func translateDefault(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 3)
	if !ok {
		return recompute.Result{}
	}
	in, ok := scope.Parse(parts[0])
	status, err := strconv.Atoi(parts[2])
	if !ok || err != nil {
		return recompute.Result{}
	}
	namespace, service := parts[1], defaultName(status)
	name := in.Namer().Default(namespace, status, in.Variant())
	by := owner.Of(store.Ref{Cluster: in.Cluster, Kind: kind.Namespace, Name: namespace})
	description := owner.Describe("services", namespace, service, fleet.MemberOf(v, in.Cluster))
	resources := []*lbv1.Resource{{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
		AbortStatus: uint32(status), Description: description, Scheme: in.Scheme, Region: in.Region,
		Target: namespace + "/" + service + ":80", Owner: by,
	}}}}
	if status == 404 {
		check := policy.DefaultHealthCheck(lbv1.HealthCheck_HTTP)
		check.Description, check.Owner = description, by
		resources = append(resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: check}})
	}
	return recompute.Result{State: recompute.Present, Resources: resources}
}
