package config

import (
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func TestApplyInAnyOrder(t *testing.T) {
	res := store()
	for range 20 {
		rand.Shuffle(len(res), func(i, j int) { res[i], res[j] = res[j], res[i] })
		r := apply(t, New(west), upsert(res...))
		for _, c := range []struct{ host, path, want string }{
			{"store.example.com", "/west/x", "west"}, {"store.example.com", "/", "all"}, {"other", "/", "serve404"},
		} {
			if got := route(r, c.host, c.path); got != c.want {
				t.Fatalf("%s%s: %s, want %s", c.host, c.path, got, c.want)
			}
		}
	}
}

func TestFrontendsOfTheLocation(t *testing.T) {
	for region, want := range map[string][]string{
		"us-west1": {"127.0.0.1"}, "us-east1": {"127.0.0.2"}, "eu": nil, "": {"127.0.0.1", "127.0.0.2"},
	} {
		r := apply(t, New(Location{Region: region}), upsert(store()...))
		var got []string
		for _, f := range r.Frontends() {
			got = append(got, f.Address.String())
			if f.Port != 80 || f.TargetProxy != "proxy" || f.TLS {
				t.Errorf("%+v", f)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("region %q serves %v, want %v", region, got, want)
		}
	}
}

func TestReferencesToNothing(t *testing.T) {
	r := storeRoot(t)
	got := refused(t, r, upsert(rule("a.example", "1", "/", "nowhere"), service("new", "neg-none"), urlMap("*", "b")))
	if len(got) != 2 ||
		got["route_rule map/*/a.example/1"] != `refers to backend_service "nowhere", which does not exist` ||
		got["backend_service new"] == "" {
		t.Errorf("%q", got)
	}
	if r.ServiceByName("new") != nil || route(r, "a.example", "/") != "serve404" {
		t.Error("something of a refused transaction is in force")
	}
}

func TestDeleteOfWhatIsInUse(t *testing.T) {
	r := storeRoot(t)
	got := refused(t, r, without(&lbv1.Transaction{}, "backend_service west"))
	want := `is deleted, but 1 references are left, such as that of route_rule "map/*/store.example.com/1"`
	if got["backend_service west"] != want {
		t.Errorf("%q", got)
	}
	r = apply(t, r, without(&lbv1.Transaction{}, "backend_service west", "route_rule map/*/store.example.com/1"))
	if r.ServiceByName("west") != nil || route(r, "store.example.com", "/west") != "all" {
		t.Error("deleted together, they are still there")
	}
}

func TestEverythingCanBeDeleted(t *testing.T) {
	r := storeRoot(t)
	tx := &lbv1.Transaction{}
	for _, res := range store() {
		without(tx, kindOf(res)+" "+res.GetName())
	}
	r = apply(t, r, tx)
	if r.entries.Len() != 0 || r.uses.Len() != 0 || r.proxies.Len() != 0 || r.maps.Len() != 0 || r.refs.Len() != 0 {
		t.Errorf("left: %d entries, %d uses, %d proxies, %d maps, %d services",
			r.entries.Len(), r.uses.Len(), r.proxies.Len(), r.maps.Len(), r.refs.Len())
	}
	if len(r.Retired()) != 6 { // an endpoint is one for each backend service
		t.Errorf("%d endpoints retired", len(r.Retired()))
	}
	r = apply(t, r, upsert(store()...))
	if route(r, "store.example.com", "/west") != "west" {
		t.Error("not there again")
	}
}

func TestDeletesOfNothingAreFine(t *testing.T) {
	apply(t, New(west), without(&lbv1.Transaction{}, "url_map none"))
}

func TestMustUnderstand(t *testing.T) {
	strange := func(m proto.Message) { // field 99, varint 1
		m.ProtoReflect().SetUnknown([]byte{0x98, 0x06, 0x01})
	}
	for name, breakIt := range map[string]func(rule, service *lbv1.Resource){
		"unknown field of the resource": func(r, _ *lbv1.Resource) { strange(r) },
		"unknown field deep inside":     func(r, _ *lbv1.Resource) { strange(r.GetRouteRule().GetForward().GetBackends()[0]) },
		"unknown match":                 func(r, _ *lbv1.Resource) { strange(r.GetRouteRule().GetMatch()) },
		"unknown value": func(_, s *lbv1.Resource) {
			s.GetBackendService().LocalityPolicy = 77
		},
	} {
		t.Run(name, func(t *testing.T) {
			ru, se := rule("store.example.com", "0", "/", "west"), service("west", "neg-west")
			breakIt(ru, se)
			if got := refused(t, storeRoot(t), upsert(ru, se)); len(got) != 1 {
				t.Errorf("%q", got)
			}
		})
	}
	nobody := &lbv1.Resource{Name: "x"}
	if got := refused(t, New(west), upsert(nobody)); got[" x"] == "" {
		t.Errorf("%q", got)
	}
}

func TestRefusedForms(t *testing.T) {
	mod := func(res *lbv1.Resource, f func(*lbv1.Resource)) *lbv1.Resource { f(res); return res }
	for name, tx := range map[string]*lbv1.Transaction{
		"twice":                   upsert(check("a"), check("a")),
		"upsert and delete":       without(upsert(check("a")), "health_check a"),
		"no name":                 upsert(check("")),
		"name with a zero byte":   upsert(check("a\x00b")),
		"rule's name":             upsert(mod(rule("h", "1", "/", "west"), func(r *lbv1.Resource) { r.Name = "x" })),
		"listener host":           upsert(mod(rule("h", "1", "/", "west"), func(r *lbv1.Resource) { r.GetRouteRule().ListenerHost = "other"; r.Name = "map/other/h/1" })),
		"listener host with rule": upsert(urlMap("other")),
		"listener host twice":     upsert(urlMap("*", "*")),
		"vip":                     upsert(forwardingRule("fr", 80, &lbv1.Vip{Address: "localhost"})),
		"port":                    upsert(forwardingRule("fr", 0)),
		"shard's name":            upsert(mod(shard("neg-west", 0), func(r *lbv1.Resource) { r.Name = "x" })),
		"shard's index":           upsert(shard("neg-west", 1)),
		"shard missing":           upsert(group("neg-west", 2)),
		"shards without end":      upsert(group("neg-west", 1<<31)),
		"shard left over":         upsert(group("neg-west", 0)),
		"endpoint address":        upsert(mod(shard("neg-west", 0, 1), func(r *lbv1.Resource) { r.GetEndpointShard().Endpoints[0].Address = "pod" })),
		"endpoint port":           upsert(mod(shard("neg-west", 0, 1), func(r *lbv1.Resource) { r.GetEndpointShard().Endpoints[0].Port = 70000 })),
		"group twice":             upsert(service("west", "neg-west", "neg-west")),
		"limit of a queue": upsert(mod(service("west", "neg-west"), func(r *lbv1.Resource) {
			r.GetBackendService().Limits = &lbv1.CircuitLimits{MaxPendingRequests: 1}
		})),
		"health check's type": upsert(mod(check("west"), func(r *lbv1.Resource) { r.GetHealthCheck().Type = 0 })),
		"health check's path": upsert(mod(check("west"), func(r *lbv1.Resource) { r.GetHealthCheck().RequestPath = "x" })),
		"certificate": upsert(&lbv1.Resource{Name: "c", Body: &lbv1.Resource_SslCertificate{
			SslCertificate: &lbv1.SslCertificate{CertificateChainPem: []byte("junk")},
		}}),
		"weights' name":     upsert(mod(weights("west", "us-west1"), func(r *lbv1.Resource) { r.Name = "x" })),
		"weights' group":    upsert(weights("west", "us-west1", &lbv1.GroupWeight{Group: "neg-none"})),
		"health's name":     upsert(mod(health("us-west1", "west", 1, 1), func(r *lbv1.Resource) { r.Name = "x" })),
		"health of nothing": upsert(health("us-west1", "none", 1, 1)),
	} {
		t.Run(name, func(t *testing.T) {
			r := storeRoot(t)
			if got := refused(t, r, tx); len(got) == 0 {
				t.Error("no reasons")
			}
			if route(r, "store.example.com", "/west") != "west" {
				t.Error("the root changed")
			}
		})
	}
}

func TestRulesMoveAndTheRootBeforeStays(t *testing.T) {
	before := storeRoot(t)
	after := apply(t, before, without(upsert(rule("store.example.com", "0", "/west", "all")), "route_rule map/*/store.example.com/1"))
	if got := route(before, "store.example.com", "/west"); got != "west" {
		t.Errorf("before: %s", got)
	}
	if got := route(after, "store.example.com", "/west"); got != "all" {
		t.Errorf("after: %s", got)
	}
	if after.Generation() != before.Generation()+1 {
		t.Error("generations do not count up")
	}
}

func TestListenerHostGoesWithItsRules(t *testing.T) {
	r := storeRoot(t)
	r = apply(t, r, without(upsert(urlMap("other")),
		"route_rule map/*/store.example.com/1", "route_rule map/*/store.example.com/2"))
	if got := route(r, "store.example.com", "/"); got != "serve404" {
		t.Errorf("got %s", got)
	}
}
