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

const kindGateway = kind.Gateway

// Socket is an address that the proxy of a location listens on.
type Socket struct {
	Location       string
	ForwardingRule string
	// Requested is as the user wrote it, Actual what works.
	Requested, Actual netip.AddrPort
}

// urlsOf lists where to curl: a row for each listener of each Gateway at each location that has bound its port. home is
// the region that comes first.
func urlsOf(snapshot *store.Snapshot, rules []*lbv1.Resource, sockets []Socket, home string) []control.URL {
	var urls []control.URL
	for _, r := range rules {
		ref, ok := gatewayOf(r.GetForwardingRule())
		if !ok {
			continue
		}
		gateway := gatewayObject(snapshot, ref)
		if gateway == nil {
			continue
		}
		for _, socket := range sockets {
			if socket.ForwardingRule == r.GetName() {
				urls = append(urls, listenerURLs(ref, gateway, r.GetForwardingRule(), socket)...)
			}
		}
	}
	slices.SortStableFunc(urls, func(a, b control.URL) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
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

func listenerURLs(ref store.Ref, gateway *gatewayv1.Gateway, rule *lbv1.ForwardingRule, socket Socket) []control.URL {
	var urls []control.URL
	for _, l := range gateway.Spec.Listeners {
		if uint32(l.Port) != rule.GetPort() {
			continue
		}
		scheme := "http"
		if l.Protocol == gatewayv1.HTTPSProtocolType {
			scheme = "https"
		}
		urls = append(urls, control.URL{
			Kind: "Gateway", Namespace: ref.Namespace, Name: ref.Name, Class: string(gateway.Spec.GatewayClassName),
			Listener: string(l.Name), Region: socket.Location, URL: scheme + "://" + socket.Actual.String(),
		})
	}
	return urls
}

func gatewayObject(snapshot *store.Snapshot, ref store.Ref) *gatewayv1.Gateway {
	e := snapshot.Get(ref)
	if e == nil {
		return nil
	}
	gateway, _ := e.Object.(*gatewayv1.Gateway)
	return gateway
}

// gatewayOf is the Gateway that a forwarding rule was made for; ok is false if it was made for something else.
func gatewayOf(rule *lbv1.ForwardingRule) (ref store.Ref, ok bool) {
	ref, ok = owner.Ref(rule.GetOwner())
	return ref, ok && ref.Kind == kindGateway
}
