package view

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

var madeFor = owner.Of(store.Ref{Cluster: "gke-west-1", Kind: kind.Gateway, Namespace: "store", Name: "external-http"})

// gatewayStore has a Gateway of which the listeners are Programmed that are named.
func gatewayStore(programmed ...string) *store.Store {
	s := store.New()
	hostname := gatewayv1.Hostname("foo.test")
	ref := store.Ref{Cluster: "gke-west-1", Kind: kind.Gateway, Namespace: "store", Name: "external-http"}
	status := &gatewayv1.GatewayStatus{}
	for _, name := range []string{"http", "a", "b"} {
		is := metav1.ConditionFalse
		if slices.Contains(programmed, name) {
			is = metav1.ConditionTrue
		}
		status.Listeners = append(status.Listeners, gatewayv1.ListenerStatus{
			Name: gatewayv1.SectionName(name), Conditions: []metav1.Condition{{Type: "Programmed", Status: is}},
		})
	}
	s.Commit(func(tx *store.Tx) {
		tx.Put("gke-west-1", &gatewayv1.Gateway{
			TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "external-http"},
			Spec: gatewayv1.GatewaySpec{GatewayClassName: "class", Listeners: []gatewayv1.Listener{
				{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType},
				{Name: "a", Port: 443, Protocol: gatewayv1.HTTPSProtocolType, Hostname: &hostname},
				{Name: "b", Port: 443, Protocol: gatewayv1.HTTPSProtocolType},
			}},
		}, "f.yaml:1")
		tx.Write(ref, &store.Written{Status: status})
	})
	return s
}

func rule(name string, port uint32, target string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
		Port: port, TargetProxy: target, Owner: madeFor,
	}}}
}

func upsert(m *Model, resources ...*lbv1.Resource) {
	m.Apply(&lbv1.Transaction{Seq: m.Seq() + 1, Upserts: resources})
}

func TestURLsAreRowsOfListenersAndLocations(t *testing.T) {
	at := netip.MustParseAddrPort
	m := NewModel()
	upsert(m, rule("fr-443", 443, "tp"), rule("fr-80", 80, "tp"))
	got := m.urls(gatewayStore("http", "b").Snapshot(), []Socket{
		{"us-east1", "fr-80", at("127.64.0.1:80"), at("127.64.0.1:10080")},
		{"us-west1", "fr-80", at("127.64.0.2:80"), at("127.64.0.2:80")},
		{"us-west1", "fr-443", at("127.64.0.2:443"), at("127.64.0.2:443")},
		{"us-west1", "gone", at("127.64.0.2:443"), at("127.64.0.2:443")},
	}, "us-west1")
	row := func(listener, region, url, rule string) control.URL {
		return control.URL{
			Kind: "Gateway", Cluster: "gke-west-1", Namespace: "store", Name: "external-http", Class: "class", Listener: listener,
			Region: region, URL: url, ForwardingRule: rule,
		}
	}
	want := []control.URL{
		row("http", "us-west1", "http://127.64.0.2:80", "fr-80"),
		row("b", "us-west1", "https://127.64.0.2:443", "fr-443"),
		row("http", "us-east1", "http://127.64.0.1:10080", "fr-80"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

// service is a backend service with one endpoint.
func service(name, address string) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			HealthCheck: name, Backends: []*lbv1.Backend{{Group: "z/" + name}},
		}}},
		{Name: "z/" + name, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Cluster: "c"}}},
		{Name: "z/" + name + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
			Group: "z/" + name, Endpoints: []*lbv1.Endpoint{{Address: address, Port: 9}},
		}}},
	}
}

func verdict(s *store.Store, location, check, address string, state lbv1.HealthState) {
	f := fact.Health(fact.Probe{Location: location, Check: check, Endpoint: netip.AddrPortFrom(netip.MustParseAddr(address), 9)})
	s.Commit(func(tx *store.Tx) { tx.SetFact(f, fact.Verdict{State: state}) })
}

func routeRule(listener, host, precedence, backend string, match *lbv1.RouteMatch) *lbv1.Resource {
	return &lbv1.Resource{Name: listener + host + precedence, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
		UrlMap: "um", ListenerHost: listener, Host: host, Precedence: precedence, Match: match,
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: backend, Weight: 1}}}},
	}}}
}

func TestSuggestionsWorkAsTheyAre(t *testing.T) {
	m, s := NewModel(), store.New()
	prefix := func(p string) *lbv1.RouteMatch { return &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: p}} }
	upsert(m, &lbv1.Resource{Name: "tp", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um"}}},
		&lbv1.Resource{Name: "mtls", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um", Tls: &lbv1.DownstreamTls{
			ServerNames: []*lbv1.ServerName{{ClientValidation: &lbv1.ClientValidation{}}},
		}}}})
	expect := func(what, target, scheme, host, address string, want ...string) {
		t.Helper()
		got := m.suggestions(s.Snapshot(), target, end{scheme, host, netip.MustParseAddrPort(address)}, "here")
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", what, got, want)
		}
	}
	expect("without rules", "tp", "http", "*", "127.0.0.1:80")
	upsert(m, service("up", "127.0.0.2")...)
	upsert(m, service("down", "127.0.0.3")...)
	upsert(m, routeRule("*", "*", "1", "down", prefix("/first")), routeRule("*", "*", "2", "up", prefix("/it's")),
		routeRule("*", "store.example.com", "1", "up", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: "/x.*"}}),
		routeRule("*", "store.example.com", "2", "up", prefix("/west")), routeRule("*", "www.example.com", "1", "down", nil),
		routeRule("*", "*.example.com", "1", "up", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Exact{Exact: "/e"}}),
		routeRule("foo.test", "foo.test", "1", "up", nil), routeRule("*.bar.test", "*", "1", "up", nil))
	expect("before any verdict", "tp", "http", "*", "127.0.0.1:80")
	verdict(s, "elsewhere", "down", "127.0.0.3", lbv1.HealthState_HEALTHY)
	verdict(s, "here", "down", "127.0.0.3", lbv1.HealthState_UNHEALTHY)
	verdict(s, "here", "up", "127.0.0.2", lbv1.HealthState_HEALTHY)
	expect("plain", "tp", "http", "*", "127.0.0.1:80",
		`curl 'http://127.0.0.1:80/it'\''s'`, `curl -H "host: any.example.com" http://127.0.0.1:80/e`,
		`curl -H "host: store.example.com" http://127.0.0.1:80/west`)
	expect("TLS with a name", "tp", "https", "foo.test", "[::1]:8443", `curl -k --resolve foo.test:8443:[::1] https://foo.test:8443/`)
	expect("TLS with a wildcard", "tp", "https", "*.bar.test", "127.0.0.1:443", `curl -k --resolve www.bar.test:443:127.0.0.1 https://www.bar.test:443/`)
	expect("with client certificates", "mtls", "https", "*", "127.0.0.1:443")
	if got := m.All(); got.GetSeq() != m.Seq() || len(got.GetResources()) != 2+6+8 {
		t.Errorf("seq %d, %d resources", got.GetSeq(), len(got.GetResources()))
	}
}

func TestHealthIsOfLocationsThatSendTraffic(t *testing.T) {
	m, s := NewModel(), store.New()
	fr := rule("fr", 80, "tp")
	fr.GetForwardingRule().Vips = []*lbv1.Vip{{Region: "a", Address: "127.0.0.1"}}
	upsert(m, append(service("s", "127.0.0.2"), fr, routeRule("*", "*", "1", "s", nil),
		&lbv1.Resource{Name: "tp", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um"}}})...)
	state := func() string {
		endpoints, ok := endpointsOf(m, s.Snapshot(), "s", []string{"a", "b"})
		if !ok || len(endpoints) != 1 || len(endpoints[0].Locations) != 1 || endpoints[0].Locations[0].Location != "a" {
			t.Fatalf("%+v, %t", endpoints, ok)
		}
		return endpoints[0].State
	}
	if got := state(); got != "UNKNOWN" {
		t.Errorf("without verdicts: %s", got)
	}
	verdict(s, "b", "s", "127.0.0.2", lbv1.HealthState_HEALTHY)
	verdict(s, "a", "s", "127.0.0.2", lbv1.HealthState_UNHEALTHY)
	if got := state(); got != "UNHEALTHY" {
		t.Errorf("healthy where nobody sends it anything: %s", got)
	}
	verdict(s, "a", "s", "127.0.0.2", lbv1.HealthState_HEALTHY)
	verdict(s, "b", "s", "127.0.0.2", lbv1.HealthState_UNHEALTHY)
	if got := state(); got != "HEALTHY" {
		t.Errorf("healthy where it gets traffic: %s", got)
	}
	if _, ok := endpointsOf(m, s.Snapshot(), "other", nil); ok {
		t.Error("a backend service that is not there has endpoints")
	}
}

// TestIndexesFollow moves a rule and a shard to other keys, and deletes them.
func TestIndexesFollow(t *testing.T) {
	m := NewModel()
	r := routeRule("*", "*", "1", "s", nil)
	upsert(m, r)
	moved := proto.CloneOf(r)
	moved.GetRouteRule().UrlMap = "other"
	upsert(m, moved)
	if len(m.routeRules("um")) != 0 || len(m.routeRules("other")) != 1 {
		t.Error("a rule that moved is where it was")
	}
	m.Apply(&lbv1.Transaction{Seq: 9, Deletes: []*lbv1.ResourceKey{lbv1.KeyOf(moved)}})
	if len(m.routeRules("other")) != 0 || len(m.All().GetResources()) != 0 || m.Get("route_rule", r.GetName()) != nil {
		t.Error("a deleted rule is still there")
	}
}
