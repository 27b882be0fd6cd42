package gateway

import (
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	unitPorts    = "gateway.ports"
	unitFrontend = "gateway.frontend"
)

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

func frontendKey(gateway store.Ref, port int32) string {
	return unitkey.Join(gateway.String(), itoa(port))
}

func (u frontendUnit) translate(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	ref, _ := store.ParseRef(parts[0])
	port, _ := strconv.ParseInt(parts[1], 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	object, found := recompute.Get[*gatewayv1.Gateway](v, ref)
	if held || ok && gw.Broken {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || !found {
		return recompute.Result{}
	}
	at := readAddresses(v, u.options, object, ref, gw.Scope)
	f := portListeners{view: v, ref: ref, gw: gw, number: int32(port)}
	f.readListeners()
	if at.Unusable != "" || !f.served {
		return recompute.Result{State: recompute.Held}
	}
	if c := policy.GatewaySettings(v, ref); c != nil {
		// One that is not defined changes nothing; its GCPGatewayPolicy says so.
		frontend.SetSSLPolicy(v, c.SSLPolicy, f.tls)
	}
	useURLMap(v, ref, f.number, gw.Scope)
	return recompute.Result{State: recompute.Present, Resources: frontend.Port{
		Owner: ref, Collection: "gateways", Scope: gw.Scope, Port: f.number, VIPs: at.VIPs, TLS: f.tls,
	}.Resources(v)}
}

// portListeners gathers the listeners of one port.
type portListeners struct {
	view   *recompute.View
	ref    store.Ref
	gw     *Listeners
	number int32
	// served: at least one listener can be.
	served bool
	tls    *lbv1.DownstreamTls
}

// readListeners takes the listeners of the port that can be served; one without certificates cannot.
func (f *portListeners) readListeners() {
	for i := range f.gw.Listeners {
		l := &f.gw.Listeners[i]
		if l.Port != f.number || l.Problem != nil {
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

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
