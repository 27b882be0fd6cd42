package gateway

import (
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitDefault = "gateway.default"

// defaultService returns the backend service that answers with a status of its own, and makes it exist. Each namespace
// with Gateways has one for 404 and one for 500.
func defaultService(v *recompute.View, s Scope, namespace string, status int) string {
	v.Unit(unitDefault, strings.Join([]string{s.String(), namespace, strconv.Itoa(status)}, "|"))
	return s.namer().Default(namespace, status, s.variant())
}

// translateDefault makes a default backend service. That for 404 has a health check, as on GKE; nothing is probed.
func translateDefault(v *recompute.View, key string) recompute.Result {
	parts := strings.Split(key, "|")
	scope, namespace := parseScope(parts), parts[scopeParts]
	status, err := strconv.Atoi(parts[scopeParts+1])
	if err != nil {
		return recompute.Result{}
	}
	member := memberOf(v, scope.Cluster)
	name := scope.namer().Default(namespace, status, scope.variant())
	by := owner.Of(store.Ref{Cluster: scope.Cluster, Kind: kindNamespace, Name: namespace})
	description := describe("services", namespace, "gw-serve"+parts[scopeParts+1], member)
	resources := []*lbv1.Resource{{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
		AbortStatus: uint32(status), Description: description, Scheme: scope.Scheme, Region: scope.Region,
		Target: namespace + "/gw-serve" + parts[scopeParts+1] + ":80", Owner: by,
	}}}}
	if status == 404 {
		check := policy.DefaultHealthCheck(lbv1.HealthCheck_HTTP)
		check.Description, check.Owner = description, by
		resources = append(resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: check}})
	}
	return recompute.Result{State: recompute.Present, Resources: resources}
}

func memberOf(v *recompute.View, cluster string) fleet.Member {
	f, ok, _ := recompute.Value[*fleet.Fleet](v, fleet.UnitMembers, "")
	if !ok {
		return fleet.Member{Name: cluster}
	}
	m, _ := f.Member(cluster)
	return m
}
