package gateway

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestWhatIsServedOfABrokenGateway(t *testing.T) {
	http := func(name string, port gatewayv1.PortNumber) gatewayv1.Listener {
		return gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: port, Protocol: gatewayv1.HTTPProtocolType}
	}
	gateway := func(listeners ...gatewayv1.Listener) *gatewayv1.Gateway {
		return &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Name: "g"}, Spec: gatewayv1.GatewaySpec{Listeners: listeners}}
	}
	bad := func(g *gatewayv1.Gateway) *gatewayv1.Gateway {
		kind := gatewayv1.AddressType("example.com/x")
		g.Spec.Addresses = []gatewayv1.GatewaySpecAddress{{Type: &kind}}
		return g
	}
	udp := http("u", 53)
	udp.Protocol = gatewayv1.UDPProtocolType
	moved := http("a", 81)
	for name, c := range map[string]struct {
		good, today *gatewayv1.Gateway
		want        []string // listeners that are served, NAME:PORT
		broken      bool
	}{
		"whole":                         {nil, gateway(http("a", 80)), []string{"a:80"}, false},
		"broken from the start":         {nil, bad(gateway(http("a", 80))), nil, true},
		"an address type that is not":   {gateway(http("a", 80)), bad(gateway(http("b", 81))), []string{"a:80"}, false},
		"a second one of the same host": {gateway(http("a", 80)), gateway(http("a", 80), http("b", 80)), []string{"a:80"}, false},
		"the same beside a good port":   {gateway(http("a", 80)), gateway(http("a", 80), http("b", 80), http("c", 81)), []string{"a:80", "c:81"}, false},
		"a bad one beside a good one":   {nil, gateway(http("a", 80), udp), []string{"a:80"}, false},
		"taken away":                    {gateway(http("a", 80), http("c", 81)), gateway(http("c", 81)), []string{"c:81"}, false},
		"moved, and two on its old port": {
			gateway(http("a", 80)), gateway(moved, http("b", 80), http("c", 80)), []string{"a:81"}, false,
		},
	} {
		s, remembered := serve(c.today, c.good, strictness{})
		if got := listenersOf(s); s.Broken != c.broken || !c.broken && !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, broken %t", name, got, s.Broken)
		}
		if c.broken {
			continue
		}
		if again, _ := serve(c.today, remembered, strictness{}); !slices.Equal(listenersOf(again), c.want) {
			t.Errorf("%s: at the next look %v", name, listenersOf(again))
		}
	}
}

func listenersOf(s *served) []string {
	var out []string
	for i, l := range s.Spec.Listeners {
		if s.Problems[i] == nil {
			out = append(out, string(l.Name)+":"+itoa(l.Port))
		}
	}
	slices.Sort(out)
	return out
}

func TestWhomAListenerTakesIsNeverHeld(t *testing.T) {
	from := func(f gatewayv1.FromNamespaces) *gatewayv1.AllowedRoutes {
		return &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &f}}
	}
	l := gatewayv1.Listener{Name: "a", Port: 80, Protocol: gatewayv1.HTTPProtocolType, AllowedRoutes: from(gatewayv1.NamespacesFromAll)}
	good := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{Listeners: []gatewayv1.Listener{l}}}
	kind := gatewayv1.AddressType("example.com/x")
	l.AllowedRoutes, l.Port = from(gatewayv1.NamespacesFromSame), 81
	today := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{
		Listeners: []gatewayv1.Listener{l}, Addresses: []gatewayv1.GatewaySpecAddress{{Type: &kind}},
	}}
	s, _ := serve(today, good, strictness{})
	if got := s.Spec.Listeners[0]; got.Port != 80 || *got.AllowedRoutes.Namespaces.From != gatewayv1.NamespacesFromSame {
		t.Errorf("port %d takes routes from %s", got.Port, *got.AllowedRoutes.Namespaces.From)
	}
}
