package view

import (
	"cmp"
	"net/netip"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

const kindGateway = kind.Gateway

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
		gateway, status := gatewayObject(snapshot, ref)
		if !ok || gateway == nil {
			continue
		}
		for _, socket := range bound[r.GetName()] {
			for _, l := range gateway.Spec.Listeners {
				said := programmed(status, l.Name)
				if uint32(l.Port) == r.GetForwardingRule().GetPort() && said != nil {
					u := m.listenerURL(snapshot, ref, gateway, &l, r.GetForwardingRule(), socket)
					u.AttachedRoutes = said.AttachedRoutes
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

func notHome(region, home string) int {
	if region == home {
		return 0
	}
	return 1
}

func (m *Model) listenerURL(
	snapshot *store.Snapshot, ref store.Ref, gateway *gatewayv1.Gateway, l *gatewayv1.Listener, rule *lbv1.ForwardingRule, socket Socket,
) control.URL {
	at := end{scheme: "http", host: "*", address: socket.Actual}
	if l.Protocol == gatewayv1.HTTPSProtocolType {
		at.scheme = "https"
	}
	if l.Hostname != nil && *l.Hostname != "" {
		at.host = string(*l.Hostname)
	}
	return control.URL{
		Kind: "Gateway", Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name, Class: string(gateway.Spec.GatewayClassName),
		Listener: string(l.Name), Region: socket.Location, URL: at.scheme + "://" + socket.Actual.String(),
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

// programmed is a listener's status if it is Programmed, else nil.
func programmed(status *gatewayv1.GatewayStatus, listener gatewayv1.SectionName) *gatewayv1.ListenerStatus {
	if status == nil {
		return nil
	}
	for i := range status.Listeners {
		l := &status.Listeners[i]
		if l.Name == listener && meta.IsStatusConditionTrue(l.Conditions, string(gatewayv1.ListenerConditionProgrammed)) {
			return l
		}
	}
	return nil
}
