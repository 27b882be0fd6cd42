package gateway

import (
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	unitPorts    = "gateway.ports"
	unitFrontend = "gateway.frontend"
)

// translatePorts makes the frontends of a Gateway exist.
func translatePorts(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok, held := ListenersOf(v, ref)
	if !ok {
		return heldOrAbsent(held)
	}
	for _, l := range gw.Serving {
		if l.Problem == nil {
			v.Unit(unitFrontend, frontendKey(ref, l.Port))
		}
	}
	return recompute.Result{State: recompute.Present}
}

// servedPort is what listens on a port of a Gateway, as annotations tell of it.
type servedPort struct {
	TLS          bool
	Certificates []string
	// Extensions are the names of what its target proxy names.
	Extensions []string
}

func frontendKey(gateway store.Ref, port int32) string {
	return unitkey.Join(gateway.String(), itoa(port))
}

// translateFrontend makes what listens on a port of a Gateway. It is absent while none of the port's listeners can be
// served.
func translateFrontend(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	ref, _ := store.ParseRef(parts[0])
	port, _ := strconv.ParseInt(parts[1], 10, 32)
	gw, ok, held := ListenersOf(v, ref)
	if !ok {
		return heldOrAbsent(held)
	}
	vips, ok, held := recompute.Value[[]frontend.VIP](v, unitAddresses, parts[0])
	if !ok {
		return heldOrAbsent(held)
	}
	f := portListeners{view: v, ref: ref, gw: gw, number: int32(port)}
	f.readListeners()
	if !f.served {
		return recompute.Result{}
	}
	s, ok := settingsOf(v, ref)
	if !ok {
		return recompute.Result{}
	}
	if s.GCPGatewayPolicyConfig != nil {
		// One that is not defined changes nothing; its GCPGatewayPolicy says so.
		frontend.SetSSLPolicy(v, s.SSLPolicy, f.tls)
	}
	extensions, held := frontend.ExtensionsOf(v, ref)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	useURLMap(v, ref, f.number, gw.Scope)
	value := servedPort{TLS: f.tls != nil, Extensions: extensions.Of(f.number)}
	for _, name := range f.tls.GetServerNames() {
		value.Certificates = append(value.Certificates, name.GetCertificates()...)
	}
	return recompute.Result{State: recompute.Present, Value: value, Resources: frontend.Port{
		Owner: ref, Names: frontend.GatewayNames(gw.Scope, ref, f.number), Class: gw.Class,
		Description: owner.Describe("gateways", ref.Namespace, ref.Name, fleet.MemberOf(v, gw.Scope.Cluster)), Scope: gw.Scope, Port: f.number, VIPs: vips, TLS: f.tls,
		Extensions: extensions,
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
	for i := range f.gw.Serving {
		l := &f.gw.Serving[i]
		if l.Port != f.number || l.Problem != nil {
			continue
		}
		if l.TLS {
			c, ok := certificatesOf(f.view, f.ref, l.ID())
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
				Host: host, Certificates: c.Names, ClientValidation: c.Clients.model(),
			})
		}
		f.served = true
	}
}

func itoa(n int32) string { return strconv.FormatInt(int64(n), 10) }
