package explain_test

import (
	"net/netip"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// resources is a model as text: a listener for http with rules of every kind, whose traffic extension fails what one of its
// chains matches, and one for https.
const resources = `
resources { name: "default" backend_service { abort_status: 404 } }
resources { name: "a" backend_service { backends { group: "a" } } }
resources { name: "b" backend_service { backends { group: "a" } owner { kind: "Service" namespace: "ns" name: "b" } } }
resources { name: "a" network_endpoint_group { shards: 1 } }

resources { name: "http" forwarding_rule { vips { address: "127.0.0.1" } port: 80 target_proxy: "http"
  owner { kind: "Gateway.gateway.networking.k8s.io" namespace: "ns" name: "plain" } } }
resources { name: "http" target_proxy { url_map: "map" via: "1.1 google" trusted_hops: 1 route_extension: "routing" traffic_extension: "traffic" } }
resources { name: "map" url_map { default_service: "default" listener_hosts: "*" listener_hosts: "*.b.com" } }
resources { name: "map/*/a.com/1" route_rule { url_map: "map" listener_host: "*" host: "a.com" precedence: "1" route: "ns/r" rule: "first"
  match { method: "POST" prefix: "/" } forward { backends { backend_service: "a" weight: 1 } } } }
resources { name: "map/*/a.com/2" route_rule { url_map: "map" listener_host: "*" host: "a.com" precedence: "2" route: "ns/r" rule: "1"
  match { prefix: "/old" } redirect { status: 301 replace_prefix: "/new" } } }
resources { name: "map/*/a.com/3" route_rule { url_map: "map" listener_host: "*" host: "a.com" precedence: "3" route: "ns/r" rule: "2"
  match { prefix: "/api" query_params { name: "v" exact: "2" } }
  request_headers { set { name: "x-set" value: "1" } remove: "x-drop" }
  url_rewrite { host: "in.com" replace_prefix: "/v2" } forward { backends { backend_service: "b" weight: 1 } } } }
resources { name: "map/*/a.com/4" route_rule { url_map: "map" listener_host: "*" host: "a.com" precedence: "4" route: "ns/r" rule: "3"
  match { headers { name: "env" exact: "split" } }
  forward { backends { backend_service: "a" weight: 3 } backends { backend_service: "b" weight: 1 } backends { backend_service: "b" } } } }
resources { name: "map/*.b.com/*.b.com/1" route_rule { url_map: "map" listener_host: "*.b.com" host: "*.b.com" precedence: "1" route: "ns/s" rule: "0"
  match { regex: "/[a-z]+" } forward { backends { backend_service: "b" weight: 1 } } } }

resources { name: "routing" lb_route_extension { owner { kind: "GCPRoutingExtension.networking.gke.io" namespace: "ns" name: "x" } chains { name: "never"
  match { cel: "request.headers['x-route'] == 'yes'" } extensions { name: "e" fault: "Service is missing" } } } }
resources { name: "traffic" lb_traffic_extension {
  chains { name: "one" match { cel: "request.path.startsWith('/secret') && source.ip != '9.9.9.9'" } match { cel: "request.method == 'PUT'" }
    extensions { name: "e" fault: "Service is missing" } }
  chains { name: "two" match { cel: "request.query.contains('go')" backend_service: "b" } extensions { name: "e" fault: "image is missing" fail_open: true } }
  chains { name: "three" match { cel: "request.headers['x-three'] == '1'" } extensions { name: "e" fault: "Service is missing" } } } }
`

// model is of a backend at an address.
func model(t testing.TB, backend string) *lbv1.Model {
	t.Helper()
	m := &lbv1.Model{}
	if err := prototext.Unmarshal([]byte(resources), m); err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(backend)
	shard := &lbv1.EndpointShard{Group: "a", Endpoints: []*lbv1.Endpoint{{Address: at.Addr().String(), Port: uint32(at.Port())}}}
	m.Resources = append(m.Resources, &lbv1.Resource{Name: "a/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: shard}})
	return m
}
