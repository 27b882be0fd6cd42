package gateway

import (
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	unitPorts    = "gateway.ports"
	unitFrontend = "gateway.frontend"
)

// via is what Google's proxies write.
const via = "1.1 google"

// translatePorts makes the frontends of a Gateway exist. It holds while the Gateway is not accepted, and so do they: a
// unit that holds keeps the units that it has read.
func translatePorts(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok, held := ListenersOf(v, ref)
	if !ok && !held {
		return recompute.Result{}
	}
	if held || gw.Broken {
		return recompute.Result{State: recompute.Held}
	}
	for _, l := range gw.Listeners {
		if l.Problem == nil {
			v.Unit(unitFrontend, frontendKey(ref, l.Port))
		}
	}
	return recompute.Result{State: recompute.Present}
}

// frontendUnit makes what listens on a port of a Gateway.
type frontendUnit struct {
	options Options
}

func frontendKey(gateway store.Ref, port int32) string { return gateway.String() + "|" + itoa(port) }

func (u frontendUnit) translate(v *recompute.View, key string) recompute.Result {
	gatewayKey, portText, _ := strings.Cut(key, "|")
	ref, _ := store.ParseRef(gatewayKey)
	port, _ := strconv.ParseInt(portText, 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	object, found := recompute.Get[*gatewayv1.Gateway](v, ref)
	if held || ok && gw.Broken {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || !found {
		return recompute.Result{}
	}
	at := readAddresses(v, u.options, object, ref, gw.Scope)
	f := frontend{view: v, ref: ref, gw: gw, port: int32(port)}
	f.readListeners()
	if at.unusable != "" || !f.served {
		return recompute.Result{State: recompute.Held}
	}
	setSSLPolicy(v, ref, f.tls)
	useURLMap(v, ref, f.port, gw.Scope)
	return recompute.Result{State: recompute.Present, Resources: f.resources(at.vips)}
}

// frontend gathers one port.
type frontend struct {
	view *recompute.View
	ref  store.Ref
	gw   *Listeners
	port int32
	// served: at least one listener can be.
	served bool
	tls    *lbv1.DownstreamTls
}

// readListeners takes the listeners of the port that can be served; one without certificates cannot.
func (f *frontend) readListeners() {
	for i := range f.gw.Listeners {
		l := &f.gw.Listeners[i]
		if l.Port != f.port || l.Problem != nil {
			continue
		}
		if l.TLS {
			c, ok := certificatesOf(f.view, f.ref, l.Name)
			if !ok {
				continue
			}
			if f.tls == nil {
				f.tls = &lbv1.DownstreamTls{}
			}
			host := l.Host
			if host == anyHost {
				host = ""
			}
			f.tls.ServerNames = append(f.tls.ServerNames, &lbv1.ServerName{
				Host: host, Certificates: c.Names, ClientValidation: c.Validation,
			})
		}
		f.served = true
	}
}

func (f *frontend) resources(vips []*lbv1.Vip) []*lbv1.Resource {
	scope := f.gw.Scope
	namer := scope.namer()
	name := namer.URLMap(f.gw.Namespace, f.gw.Name, f.port, scope.variant())
	rule := namer.ForwardingRule(f.gw.Namespace, f.gw.Name, f.port, scope.variant())
	description := describe("gateways", f.gw.Namespace, f.gw.Name, memberOf(f.view, scope.Cluster))
	by := owner.Of(f.ref)
	return []*lbv1.Resource{
		{Name: rule, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Scheme: scope.Scheme, Region: scope.Region, Vips: vips, Port: uint32(f.port), TargetProxy: name,
			Description: description, Owner: by,
		}}},
		{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{
			UrlMap: name, Tls: f.tls, Via: via, Description: description, Owner: by,
		}}},
	}
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
