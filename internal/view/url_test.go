package view

import (
	"net/netip"
	"reflect"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

var madeFor = owner.Of(store.Ref{Cluster: "gke-west-1", Kind: kindGateway, Namespace: "store", Name: "external-http"})

func gatewayStore() *store.Store {
	s := store.New()
	s.Commit(func(tx *store.Tx) {
		tx.Put("gke-west-1", &gatewayv1.Gateway{
			TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "external-http"},
			Spec: gatewayv1.GatewaySpec{GatewayClassName: "class", Listeners: []gatewayv1.Listener{
				{Name: "http", Port: 80, Protocol: gatewayv1.HTTPProtocolType},
				{Name: "a", Port: 443, Protocol: gatewayv1.HTTPSProtocolType},
				{Name: "b", Port: 443, Protocol: gatewayv1.HTTPSProtocolType},
			}},
		}, "f.yaml:1")
	})
	return s
}

func rule(name string, port uint32) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
		Port: port, TargetProxy: "tp", Owner: madeFor,
	}}}
}

func TestURLsAreRowsOfListenersAndLocations(t *testing.T) {
	at := netip.MustParseAddrPort
	got := urlsOf(gatewayStore().Snapshot(), []*lbv1.Resource{rule("fr-443", 443), rule("fr-80", 80)}, []Socket{
		{"us-east1", "fr-80", at("127.64.0.1:80"), at("127.64.0.1:10080")},
		{"us-west1", "fr-80", at("127.64.0.2:80"), at("127.64.0.2:80")},
		{"us-west1", "fr-443", at("127.64.0.2:443"), at("127.64.0.2:443")},
		{"us-west1", "gone", at("127.64.0.2:443"), at("127.64.0.2:443")},
	}, "us-west1")
	row := func(listener, region, url string) control.URL {
		return control.URL{
			Kind: "Gateway", Namespace: "store", Name: "external-http", Class: "class", Listener: listener, Region: region, URL: url,
		}
	}
	want := []control.URL{
		row("http", "us-west1", "http://127.64.0.2:80"),
		row("a", "us-west1", "https://127.64.0.2:443"),
		row("b", "us-west1", "https://127.64.0.2:443"),
		row("http", "us-east1", "http://127.64.0.1:10080"),
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestSuggestions(t *testing.T) {
	m := NewModel()
	routeRule := func(host, precedence string, match *lbv1.RouteMatch) *lbv1.Resource {
		return &lbv1.Resource{Name: host + precedence, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
			UrlMap: "um", Host: host, Precedence: precedence, Match: match,
		}}}
	}
	tx := &lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
		rule("fr", 80), {Name: "tp", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "um"}}},
	}}
	m.Apply(tx)
	if got, want := m.Suggestions("fr", "http://a:80"), []string{"curl http://a:80/"}; !reflect.DeepEqual(got, want) {
		t.Errorf("without rules: %q, want %q", got, want)
	}
	m.Apply(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{
		routeRule("store.example.com", "1", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/west"}}),
		routeRule("store.example.com", "2", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: "/x.*"}}),
		routeRule("*.example.com", "1", &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Exact{Exact: "/e"}}),
		routeRule("*", "1", nil),
	}})
	want := []string{
		`curl -k https://a:443/`, `curl -k -H "host: www.example.com" https://a:443/e`,
		`curl -k -H "host: store.example.com" https://a:443/west`,
	}
	if got := m.Suggestions("fr", "https://a:443"); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := m.All(); got.GetSeq() != 2 || len(got.GetResources()) != 6 {
		t.Errorf("seq %d, %d resources", got.GetSeq(), len(got.GetResources()))
	}
	m.Apply(&lbv1.Transaction{Seq: 3, Deletes: []*lbv1.ResourceKey{{Kind: "forwarding_rule", Name: "fr"}}})
	if len(m.Kind(kindForwardingRule)) != 0 {
		t.Error("a deleted forwarding rule is still there")
	}
}
