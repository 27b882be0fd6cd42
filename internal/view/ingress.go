package view

import (
	"slices"

	ingressv1 "k8s.io/api/networking/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// scheme is what clients of a forwarding rule speak; it is the name of an Ingress' listener as well.
func (m *Model) scheme(rule *lbv1.ForwardingRule) string {
	if m.Get(kindTargetProxy, rule.GetTargetProxy()).GetTargetProxy().GetTls() != nil {
		return "https"
	}
	return "http"
}

// ingressURLs are a row for each location at whose address an Ingress is served, as its status says.
func (m *Model) ingressURLs(snapshot *store.Snapshot, ref store.Ref, rule *lbv1.ForwardingRule, sockets []Socket) []control.URL {
	in, addresses := ingressObject(snapshot, ref)
	if in == nil {
		return nil
	}
	var urls []control.URL
	for _, socket := range sockets {
		if !slices.Contains(addresses, socket.Requested.Addr().String()) {
			continue
		}
		at := end{scheme: m.scheme(rule), host: "*", address: socket.Actual}
		urls = append(urls, control.URL{
			Kind: kind.Bare(ref.Kind), Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name, Class: ingressClass(in),
			Listener: at.scheme, Region: socket.Location, URL: at.scheme + "://" + socket.Actual.String(),
			ForwardingRule: socket.ForwardingRule, AttachedRoutes: 1, Curl: m.suggestions(snapshot, rule.GetTargetProxy(), at, socket.Location),
		})
	}
	return urls
}

// ingressObject is an Ingress and the addresses that its status has; nil if there is none.
func ingressObject(snapshot *store.Snapshot, ref store.Ref) (in *ingressv1.Ingress, addresses []string) {
	e := snapshot.Get(ref)
	if e == nil {
		return nil, nil
	}
	in, _ = e.Object.(*ingressv1.Ingress)
	if e.Written == nil {
		return in, nil
	}
	if status, ok := e.Written.Status.(*ingressv1.IngressStatus); ok {
		for _, i := range status.LoadBalancer.Ingress {
			addresses = append(addresses, i.IP)
		}
	}
	return in, addresses
}

// ingressClass is what the Ingress says of its class, gce if nothing.
func ingressClass(in *ingressv1.Ingress) string {
	if name, field := object.Class(in); field != "" {
		return name
	}
	return "gce"
}

// servedIngress is what a proxy listens on for an Ingress that is there.
func servedIngress(snapshot *store.Snapshot, ref store.Ref, scheme string, socket Socket) []Served {
	in, addresses := ingressObject(snapshot, ref)
	if in == nil {
		return nil
	}
	return []Served{{
		Kind: kind.Bare(ref.Kind), Cluster: ref.Cluster, Namespace: ref.Namespace, Name: ref.Name, Listener: scheme, Region: socket.Location,
		Address: socket.Actual, Failed: len(addresses) == 0,
	}}
}
