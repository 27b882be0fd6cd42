package gateway

import (
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitURLMap = "gateway.urlmap"

// translateURLMap makes the routing of a port, which route rules name. It is there for every port with an accepted
// listener, whether it can be served yet or not.
func translateURLMap(v *recompute.View, key string) recompute.Result {
	gatewayKey, portText, _ := strings.Cut(key, "|")
	ref, _ := store.ParseRef(gatewayKey)
	port, err := strconv.ParseInt(portText, 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	if held || ok && gw.Broken {
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
		return recompute.Result{}
	}
	slices.Sort(hosts)
	name := gw.Scope.namer().URLMap(gw.Namespace, gw.Name, int32(port), gw.Scope.variant())
	return recompute.Result{State: recompute.Present, Resources: []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
			DefaultService: defaultService(v, gw.Scope, gw.Namespace, 404), ListenerHosts: hosts, DetectMisdirected: tls,
			Description: describe("gateways", gw.Namespace, gw.Name, memberOf(v, gw.Scope.Cluster)),
		}}},
	}}
}
