package view

import (
	"cmp"
	"net/netip"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

// Socket is an address that the proxy of a location listens on.
type Socket struct {
	Location       string
	ForwardingRule string
	// Requested is as the user wrote it, Actual what works.
	Requested, Actual netip.AddrPort
}

// urls lists where to curl: a row for each listener that is Programmed, at each location that has bound its port. home is
// the region that comes first.
func (m *Model) urls(snapshot *store.Snapshot, sockets []Socket, home string) []control.URL {
	bound := map[string][]Socket{}
	for _, s := range sockets {
		bound[s.ForwardingRule] = append(bound[s.ForwardingRule], s)
	}
	var urls []control.URL
	for _, r := range m.Kind(kindForwardingRule) {
		ref, ok := owner.Ref(r.GetForwardingRule().GetOwner())
		if ok && ref.Kind == kind.Ingress {
			urls = append(urls, m.ingressURLs(snapshot, ref, r.GetForwardingRule(), bound[r.GetName()])...)
			continue
		}
		gateway, status := gatewayObject(snapshot, ref)
		if !ok || gateway == nil {
			continue
		}
		for _, socket := range bound[r.GetName()] {
			for _, l := range shownListeners(snapshot, ref, gateway, status) {
				if uint32(l.Port) == r.GetForwardingRule().GetPort() && l.programmed() {
					u := m.listenerURL(snapshot, ref, gateway, &l, r.GetForwardingRule(), socket)
					u.AttachedRoutes = l.attached
					urls = append(urls, u)
				}
			}
		}
	}
	slices.SortStableFunc(urls, func(a, b control.URL) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Cluster, b.Cluster),
			cmp.Compare(notHome(a.Region, home), notHome(b.Region, home)), cmp.Compare(a.Region, b.Region),
			cmp.Compare(a.URL, b.URL), cmp.Compare(a.Listener, b.Listener))
	})
	return urls
}

// Served is an address that a listener is served at, whether it is Programmed or not: what was published last is served on
// while an edit cannot be used.
type Served struct {
	// Kind is the owner's, Gateway or Ingress.
	Kind, Cluster, Namespace, Name, Listener, Region string
	Address                                          netip.AddrPort
	// Failed says that the listener's Programmed is False: it does not just wait for proxies.
	Failed bool
}

// served lists what proxies listen on for the listeners of Gateways that are there. The port may be one that the listener
// had.
func (m *Model) served(snapshot *store.Snapshot, sockets []Socket) []Served {
	var all []Served
	for _, socket := range sockets {
		rule := m.Get(kindForwardingRule, socket.ForwardingRule).GetForwardingRule()
		ref, ok := owner.Ref(rule.GetOwner())
		if ok && ref.Kind == kind.Ingress {
			all = append(all, servedIngress(snapshot, ref, m.scheme(rule), socket)...)
			continue
		}
		gateway, status := gatewayObject(snapshot, ref)
		if !ok || gateway == nil {
			continue
		}
		hosts := m.Get(kindURLMap, m.Get(kindTargetProxy, rule.GetTargetProxy()).GetTargetProxy().GetUrlMap()).GetUrlMap().GetListenerHosts()
		for _, l := range shownListeners(snapshot, ref, gateway, status) {
			if slices.Contains(hosts, hostOf(&l.Listener)) {
				all = append(all, Served{
					Kind: kind.Bare(ref.Kind), Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name, Listener: l.name, Region: socket.Location,
					Address: socket.Actual, Failed: l.failed(),
				})
			}
		}
	}
	return all
}

func hostOf(l *gatewayv1.Listener) string {
	if l.Hostname != nil && *l.Hostname != "" {
		return string(*l.Hostname)
	}
	return "*"
}

func notHome(region, home string) int {
	if region == home {
		return 0
	}
	return 1
}

func (m *Model) listenerURL(
	snapshot *store.Snapshot, ref store.Ref, gateway *gatewayv1.Gateway, l *shownListener, rule *lbv1.ForwardingRule, socket Socket,
) control.URL {
	at := end{scheme: "http", host: hostOf(&l.Listener), address: socket.Actual}
	if l.Protocol == gatewayv1.HTTPSProtocolType {
		at.scheme = "https"
	}
	return control.URL{
		Kind: "Gateway", Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name, Class: string(gateway.Spec.GatewayClassName),
		Listener: l.name, Region: socket.Location, URL: at.scheme + "://" + socket.Actual.String(), ForwardingRule: socket.ForwardingRule,
		Curl: m.suggestions(snapshot, rule.GetTargetProxy(), at, socket.Location),
	}
}

// gatewayObject is a Gateway and what is said of it; nil if there is none.
func gatewayObject(snapshot *store.Snapshot, ref store.Ref) (*gatewayv1.Gateway, *gatewayv1.GatewayStatus) {
	e := snapshot.Get(ref)
	if e == nil {
		return nil, nil
	}
	gateway, _ := e.Object.(*gatewayv1.Gateway)
	if e.Written == nil {
		return gateway, nil
	}
	status, _ := e.Written.Status.(*gatewayv1.GatewayStatus)
	return gateway, status
}
