package refgrant_test

import (
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/refgrant"
)

func TestAGrantIsForWhatItNames(t *testing.T) {
	name := gatewayv1.ObjectName("b")
	spec := func(to gatewayv1.ReferenceGrantTo) *gatewayv1.ReferenceGrantSpec {
		return &gatewayv1.ReferenceGrantSpec{
			From: []gatewayv1.ReferenceGrantFrom{
				{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute", Namespace: "store"},
				{Group: "networking.gke.io", Kind: "GCPTrafficExtension", Namespace: "store"},
			},
			To: []gatewayv1.ReferenceGrantTo{to},
		}
	}
	anyService, oneService := gatewayv1.ReferenceGrantTo{Kind: "Service"}, gatewayv1.ReferenceGrantTo{Kind: "Service", Name: &name}
	route := refgrant.From{Group: "gateway.networking.k8s.io", Kind: "HTTPRoute", Namespace: "store"}
	extension := refgrant.From{Group: "networking.gke.io", Kind: "GCPTrafficExtension", Namespace: "store"}
	b, c := refgrant.To{Kind: "Service", Name: "b"}, refgrant.To{Kind: "Service", Name: "c"}
	for _, x := range []struct {
		name string
		to   gatewayv1.ReferenceGrantTo
		from refgrant.From
		at   refgrant.To
		want bool
	}{
		{"any of the kind", anyService, route, c, true},
		{"another kind of referrer that it names", anyService, extension, c, true},
		{"the one that it names", oneService, route, b, true},
		{"another one", oneService, route, c, false},
		{"another kind of target", anyService, route, refgrant.To{Kind: "Secret", Name: "b"}, false},
		{"another group of target", anyService, route, refgrant.To{Group: "net.gke.io", Kind: "Service", Name: "b"}, false},
		{"another kind of referrer", anyService, refgrant.From{Group: route.Group, Kind: "GRPCRoute", Namespace: "store"}, b, false},
		{"another group of referrer", anyService, refgrant.From{Kind: "HTTPRoute", Namespace: "store"}, b, false},
		{"another namespace", anyService, refgrant.From{Group: route.Group, Kind: route.Kind, Namespace: "other"}, b, false},
	} {
		if got := refgrant.Allows(spec(x.to), x.from, x.at); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
}
