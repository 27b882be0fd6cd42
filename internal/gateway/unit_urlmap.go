package gateway

import (
	"slices"
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const unitURLMap = "gateway.urlmap"

// useURLMap makes the routing of a port exist as long as the reading unit names it.
func useURLMap(v *recompute.View, gateway store.Ref, port int32, s scope.Scope) {
	v.Unit(unitURLMap, unitkey.Join(gateway.String(), itoa(port), s.String()))
}

// translateURLMap makes the routing of a port, which route rules name. It is there for every port with an accepted
// listener, whether it can be served yet or not; and it stays while rules or frontends that hold are left of a Gateway
// that has moved on.
func translateURLMap(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 3)
	if !ok {
		return recompute.Result{}
	}
	ref, _ := store.ParseRef(parts[0])
	port, err := strconv.ParseInt(parts[1], 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	if held || ok && gw.Scope.String() != parts[2] {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || err != nil {
		return recompute.Result{}
	}
	var hosts []string
	tls := false
	for _, l := range gw.Serving {
		if l.Port == int32(port) && l.Problem == nil {
			hosts = append(hosts, l.Host)
			tls = tls || l.TLS
		}
	}
	if len(hosts) == 0 {
		return recompute.Result{State: recompute.Held}
	}
	slices.Sort(hosts)
	name := frontend.URLMap(gw.Scope, ref, int32(port))
	return recompute.Result{State: recompute.Present, Resources: []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
			DefaultService: backend.Default(v, gw.Scope, gw.Namespace, 404), ListenerHosts: hosts, DetectMisdirected: tls,
			Description: owner.Describe("gateways", gw.Namespace, gw.Name, fleet.MemberOf(v, gw.Scope.Cluster)), Owner: owner.Of(ref),
		}}},
	}}
}
