package gateway

import (
	"strconv"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// routeView is an HTTPRoute or a GRPCRoute.
type routeView struct {
	ref        store.Ref
	owner      *lbv1.Owner // of every rule
	kind       string
	generation int64
	created    time.Time
	parents    []gatewayv1.ParentReference
	hostnames  []gatewayv1.Hostname
	rules      []ruleView
	object     store.Object
}

// ruleView is a rule of either kind of route. Filters and backends have the HTTP form, of which gRPC's is a part.
type ruleView struct {
	// name is the user's, else the index.
	name        string
	matches     []matchView
	filters     []gatewayv1.HTTPRouteFilter
	backends    []gatewayv1.HTTPBackendRef
	timeouts    *gatewayv1.HTTPRouteTimeouts
	retry       *gatewayv1.HTTPRouteRetry
	persistence *gatewayv1.SessionPersistence
}

// name is "namespace/name".
func (r *routeView) name() string { return r.ref.Namespace + "/" + r.ref.Name }

func (r *routeView) grpc() bool { return r.kind == "GRPCRoute" }

// readRoute reads a route; for one that may be on its way the reader holds.
func readRoute(v *recompute.View, ref store.Ref) (*routeView, bool) {
	object := v.Get(ref)
	if object == nil && fact.Pending(v, ref.Cluster, ref.Kind) {
		v.Hold()
	}
	return routeViewOf(ref, object)
}

func routeViewOf(ref store.Ref, object store.Object) (*routeView, bool) {
	switch route := object.(type) {
	case *gatewayv1.HTTPRoute:
		return httpRouteView(ref, route), true
	case *gatewayv1.GRPCRoute:
		return grpcRouteView(ref, route), true
	}
	return nil, false
}

func ruleName(name *gatewayv1.SectionName, index int) string {
	if name != nil && *name != "" {
		return string(*name)
	}
	return strconv.Itoa(index)
}

// parentGateway is the Gateway that a parent reference names; ok is false for other kinds of parents.
func parentGateway(route store.Ref, parent gatewayv1.ParentReference) (gateway store.Ref, ok bool) {
	if parent.Group != nil && *parent.Group != kind.GroupGateway || parent.Kind != nil && *parent.Kind != "Gateway" {
		return store.Ref{}, false
	}
	gateway = store.Ref{Cluster: route.Cluster, Kind: kind.Gateway, Namespace: route.Namespace, Name: string(parent.Name)}
	if parent.Namespace != nil {
		gateway.Namespace = string(*parent.Namespace)
	}
	return gateway, true
}

// gatewayOf is the Gateway that a parent reference leads to: the one that it names, or that of the ListenerSet that it names.
func gatewayOf(v *recompute.View, route store.Ref, parent gatewayv1.ParentReference) (gateway store.Ref, ok bool) {
	if set, ok := parentListenerSet(route, parent); ok {
		return gatewayOfSet(v, set)
	}
	return parentGateway(route, parent)
}
