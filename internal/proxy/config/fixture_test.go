package config

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
)

var west = Location{Region: "us-west1", Zone: "us-west1-a"}

func upsert(res ...*lbv1.Resource) *lbv1.Transaction { return &lbv1.Transaction{Upserts: res} }

// without deletes "kind name" pairs.
func without(tx *lbv1.Transaction, keys ...string) *lbv1.Transaction {
	for _, k := range keys {
		kind, name, _ := strings.Cut(k, " ")
		tx.Deletes = append(tx.Deletes, &lbv1.ResourceKey{Kind: kind, Name: name})
	}
	return tx
}

func rule(host, precedence, prefix, service string) *lbv1.Resource {
	r := &lbv1.RouteRule{
		UrlMap: "map", ListenerHost: "*", Host: host, Precedence: precedence,
		Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: prefix}},
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{
			Backends: []*lbv1.WeightedBackend{{BackendService: service, Weight: 1}},
		}},
	}
	return &lbv1.Resource{Name: urlmap.RuleName(r), Body: &lbv1.Resource_RouteRule{RouteRule: r}}
}

func service(name string, groups ...string) *lbv1.Resource {
	s := &lbv1.BackendService{HealthCheck: name}
	for _, g := range groups {
		s.Backends = append(s.Backends, &lbv1.Backend{Group: g})
	}
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: s}}
}

func check(name string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_HealthCheck{
		HealthCheck: &lbv1.HealthCheck{Type: lbv1.HealthCheck_HTTP, RequestPath: "/"},
	}}
}

func group(name string, shards uint32) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{
		NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-a", Shards: shards},
	}}
}

// shard has the endpoints 10.0.0.LAST:80.
func shard(group string, index uint32, last ...int) *lbv1.Resource {
	s := &lbv1.EndpointShard{Group: group, Index: index}
	for _, l := range last {
		s.Endpoints = append(s.Endpoints, &lbv1.Endpoint{Address: fmt.Sprint("10.0.0.", l), Port: 80})
	}
	return &lbv1.Resource{Name: shardName(group, int(index)), Body: &lbv1.Resource_EndpointShard{EndpointShard: s}}
}

func weights(service, location string, groups ...*lbv1.GroupWeight) *lbv1.Resource {
	return &lbv1.Resource{Name: service + "/" + location, Body: &lbv1.Resource_Weights{
		Weights: &lbv1.Weights{BackendService: service, Location: location, Groups: groups},
	}}
}

func health(location, check string, last int, state lbv1.HealthState) *lbv1.Resource {
	return &lbv1.Resource{Name: healthName(location, check, endpointAt(last)), Body: &lbv1.Resource_EndpointHealth{
		EndpointHealth: &lbv1.EndpointHealth{
			Location: location, HealthCheck: check, Address: fmt.Sprint("10.0.0.", last), Port: 80, State: state,
		},
	}}
}

func endpointAt(last int) netip.AddrPort {
	return netip.MustParseAddrPort(fmt.Sprintf("10.0.0.%d:80", last))
}

func urlMap(listeners ...string) *lbv1.Resource {
	return &lbv1.Resource{Name: "map", Body: &lbv1.Resource_UrlMap{
		UrlMap: &lbv1.UrlMap{DefaultService: "serve404", ListenerHosts: listeners},
	}}
}

func abort(name string, status uint32) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: status}}}
}

func targetProxy(name string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "map"}}}
}

func forwardingRule(name string, port uint32, vips ...*lbv1.Vip) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_ForwardingRule{
		ForwardingRule: &lbv1.ForwardingRule{TargetProxy: "proxy", Port: port, Vips: vips},
	}}
}

// store is a whole load balancer: two backend services with a group each, two rules.
func store() []*lbv1.Resource {
	return []*lbv1.Resource{
		forwardingRule("fr", 80, &lbv1.Vip{Region: "us-west1", Address: "127.0.0.1"}, &lbv1.Vip{Region: "us-east1", Address: "127.0.0.2"}),
		targetProxy("proxy"), urlMap("*"), abort("serve404", 404),
		rule("store.example.com", "1", "/west", "west"), rule("store.example.com", "2", "/", "all"),
		service("west", "neg-west"), service("all", "neg-west", "neg-east"), check("west"), check("all"),
		group("neg-west", 1), shard("neg-west", 0, 1, 2), group("neg-east", 1), shard("neg-east", 0, 11, 12),
	}
}

func apply(t testing.TB, r *Root, tx *lbv1.Transaction) *Root {
	t.Helper()
	next, err := r.Apply(tx)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func storeRoot(t testing.TB) *Root { return apply(t, New(west), upsert(store()...)) }

// refused applies a transaction that must be refused and returns the reasons by "kind name".
func refused(t testing.TB, r *Root, tx *lbv1.Transaction) map[string]string {
	t.Helper()
	_, err := r.Apply(tx)
	var refusal *Refused
	if !errors.As(err, &refusal) {
		t.Fatalf("not refused: %v", err)
	}
	out := map[string]string{}
	for _, x := range refusal.Resources {
		out[x.Kind+" "+x.Name] = x.Reason
	}
	return out
}

// route is the backend service that a request gets.
func route(r *Root, host, path string) string {
	p := r.TargetProxy("proxy")
	req := &message.Request{Method: []byte("GET"), Authority: []byte(host), Path: []byte(path)}
	if found := p.Map.Match(req); found != nil {
		return r.Service(found.Choose().Service).Name
	}
	return r.Service(p.DefaultService).Name
}

func pick(s *balance.Service) string {
	e, err := s.Pick(&balance.PickInput{Request: &message.Request{}})
	if err != nil {
		return err.Error()
	}
	return e.Address
}
