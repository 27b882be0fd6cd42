package gateway

import (
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitURLMap = "gateway.urlmap"

// useURLMap makes the routing of a port exist as long as the reading unit names it.
func useURLMap(v *recompute.View, gateway store.Ref, port int32, s Scope) {
	v.Unit(unitURLMap, gateway.String()+"|"+itoa(port)+"|"+s.String())
}

// translateURLMap makes the routing of a port, which route rules name. It is there for every port with an accepted
// listener, whether it can be served yet or not; and it stays while rules or frontends that hold are left of a Gateway
// that has moved on.
func translateURLMap(v *recompute.View, key string) recompute.Result {
	parts := strings.SplitN(key, "|", 3)
	ref, _ := store.ParseRef(parts[0])
	port, err := strconv.ParseInt(parts[1], 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	if held || ok && (gw.Broken || gw.Scope.String() != parts[2]) {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || err != nil {
		return recompute.Result{}
	}
	var hosts []string
	tls := false
	for _, l := range gw.Listeners {
		if l.Port == int32(port) && l.Problem == nil {
			hosts = append(hosts, l.Host)
			tls = tls || l.TLS
		}
	}
	if len(hosts) == 0 {
		return recompute.Result{State: recompute.Held}
	}
	slices.Sort(hosts)
	name := gw.Scope.namer().URLMap(gw.Namespace, gw.Name, int32(port), gw.Scope.variant())
	return recompute.Result{State: recompute.Present, Resources: []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
			DefaultService: defaultService(v, gw.Scope, gw.Namespace, 404), ListenerHosts: hosts, DetectMisdirected: tls,
			Description: describe("gateways", gw.Namespace, gw.Name, memberOf(v, gw.Scope.Cluster)), Owner: owner.Of(ref),
		}}},
	}}
}
