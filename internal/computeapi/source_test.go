package computeapi_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/computeapi"
	"github.com/spillway-lb/spillway/internal/control"
)

// source is a model of one global and one regional load balancer with verdicts for all endpoints.
type source struct{ model *lbv1.Model }

func (s source) Info() control.Info {
	return control.Info{
		Home: "us-west1", ConfigCluster: "c", Clusters: []control.Cluster{{Name: "c", Region: "us-west1", Project: "p"}},
		Started: time.Unix(1_800_000_000, 0),
	}
}
func (s source) Seq() uint64                   { return s.model.GetSeq() }
func (s source) Model() *lbv1.Model            { return s.model }
func (s source) Created(*lbv1.Owner) time.Time { return time.Unix(1_800_000_000, 0) }

func (s source) Health(name string) ([]control.Endpoint, bool) {
	var out []control.Endpoint
	for _, r := range s.model.GetResources() {
		if r.GetBackendService() == nil || r.GetName() != name {
			continue
		}
		for _, b := range r.GetBackendService().GetBackends() {
			out = append(out, s.endpoints(b.GetGroup())...)
		}
		return out, true
	}
	return nil, false
}

func (s source) endpoints(group string) (out []control.Endpoint) {
	for _, r := range s.model.GetResources() {
		if shard := r.GetEndpointShard(); shard.GetGroup() == group {
			for _, e := range shard.GetEndpoints() {
				out = append(out, control.Endpoint{
					Group: group, Zone: "us-west1-a", Instance: e.GetInstance(), Address: e.GetAddress(), Port: e.GetPort(), State: "HEALTHY",
					Draining: e.GetDraining(),
				})
			}
		}
	}
	return out
}

// deleted are the groups that were deleted; "kept" cannot be, and "slow" goes when the test says so.
type deleted struct {
	names []string
	from  *changing
}

func (d *deleted) Delete(zone, name string) error {
	if name == "kept" {
		return errors.New("a Service wants it")
	}
	d.names = append(d.names, zone+"/"+name)
	if name != "slow" {
		d.from.without(zone + "/" + name)
	}
	return nil
}

// changing is a source whose model changes while it is asked.
type changing struct {
	mu  sync.Mutex
	now source
}

func (c *changing) source() source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *changing) Info() control.Info                            { return c.source().Info() }
func (c *changing) Seq() uint64                                   { return c.source().Seq() }
func (c *changing) Model() *lbv1.Model                            { return c.source().Model() }
func (c *changing) Created(of *lbv1.Owner) time.Time              { return c.source().Created(of) }
func (c *changing) Health(name string) ([]control.Endpoint, bool) { return c.source().Health(name) }

// without publishes the model without a resource.
func (c *changing) without(name string) {
	c.change(func(m *lbv1.Model) {
		m.Resources = slices.DeleteFunc(m.Resources, func(r *lbv1.Resource) bool { return r.GetName() == name })
	})
}

func (c *changing) change(f func(*lbv1.Model)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := &lbv1.Model{Seq: c.now.Seq() + 1, Resources: slices.Clone(c.now.model.GetResources())}
	f(next)
	c.now = source{next}
}

func resource(name string, body any) *lbv1.Resource {
	r := &lbv1.Resource{Name: name}
	switch b := body.(type) {
	case *lbv1.ForwardingRule:
		r.Body = &lbv1.Resource_ForwardingRule{ForwardingRule: b}
	case *lbv1.TargetProxy:
		r.Body = &lbv1.Resource_TargetProxy{TargetProxy: b}
	case *lbv1.UrlMap:
		r.Body = &lbv1.Resource_UrlMap{UrlMap: b}
	case *lbv1.RouteRule:
		r.Body = &lbv1.Resource_RouteRule{RouteRule: b}
	case *lbv1.BackendService:
		r.Body = &lbv1.Resource_BackendService{BackendService: b}
	case *lbv1.NetworkEndpointGroup:
		r.Body = &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: b}
	case *lbv1.EndpointShard:
		r.Body = &lbv1.Resource_EndpointShard{EndpointShard: b}
	case *lbv1.HealthCheck:
		r.Body = &lbv1.Resource_HealthCheck{HealthCheck: b}
	case *lbv1.SslCertificate:
		r.Body = &lbv1.Resource_SslCertificate{SslCertificate: b}
	case *lbv1.WasmPlugin:
		r.Body = &lbv1.Resource_WasmPlugin{WasmPlugin: b}
	case *lbv1.WasmPluginVersion:
		r.Body = &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: b}
	default:
		panic(fmt.Sprintf("no resource has a body of %T", body))
	}
	return r
}

// model has a global load balancer with TLS, five backend services beside it, an idle group, a group of many endpoints and an
// extension.
func model(endpoints int) *lbv1.Model {
	resources := []*lbv1.Resource{
		resource("fr", &lbv1.ForwardingRule{
			Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Port: 443, TargetProxy: "proxy",
			Vips: []*lbv1.Vip{{Region: "us-west1", Address: "127.64.0.1", Name: "ip"}},
		}),
		resource("fr-internal", &lbv1.ForwardingRule{
			Scheme: lbv1.LoadBalancingScheme_INTERNAL_MANAGED, Region: "us-east1", Port: 80, TargetProxy: "internal",
			Vips: []*lbv1.Vip{{Region: "us-east1", Address: "127.64.0.2"}},
		}),
		resource("proxy", &lbv1.TargetProxy{UrlMap: "map", Via: "1.1 google", Tls: &lbv1.DownstreamTls{
			MinVersion: lbv1.TlsVersion_TLS_1_2, ServerNames: []*lbv1.ServerName{{Certificates: []string{"cert"}}},
		}}),
		resource("internal", &lbv1.TargetProxy{UrlMap: "internal"}),
		resource("cert", &lbv1.SslCertificate{CertificateChainPem: []byte("-----BEGIN"), PrivateKeyPem: []byte("never shown")}),
		resource("map", &lbv1.UrlMap{DefaultService: "bs-0"}), resource("internal", &lbv1.UrlMap{DefaultService: "bs-internal"}),
		resource("rule", &lbv1.RouteRule{
			UrlMap: "map", ListenerHost: "*", Host: "*", Precedence: "1", Match: &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Exact{Exact: "/x"}},
			Action:  &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "bs-1", Weight: 1}}}},
			Mirrors: []*lbv1.Mirror{{BackendService: "bs-2"}, {BackendService: "bs-3"}},
		}),
		resource("bs-internal", &lbv1.BackendService{Region: "us-east1", Timeout: durationpb.New(0), Algorithm: lbv1.ServiceLbAlgorithm_SPRAY_TO_REGION}),
		resource("check", &lbv1.HealthCheck{Type: lbv1.HealthCheck_HTTP, RequestPath: "/"}),
		resource("us-west1-a/neg", &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-a"}),
		idleGroup(),
		resource("us-west1-b/kept", &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-b"}),
		resource("us-west1-b/slow", &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-b"}),
		{Name: "tx", Body: &lbv1.Resource_LbTrafficExtension{LbTrafficExtension: &lbv1.LbExtension{
			ForwardingRules: []string{"fr"}, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED,
			Chains: []*lbv1.ExtensionChain{{Name: "c", Extensions: []*lbv1.Extension{{
				Name: "e", Target: &lbv1.Extension_WasmPlugin{WasmPlugin: "plugin"}, Events: []lbv1.Extension_Event{lbv1.Extension_REQUEST_HEADERS},
				Metadata: map[string]string{"k": "v"},
			}}}},
		}}},
		resource("plugin", &lbv1.WasmPlugin{MainVersion: "v1"}),
		resource("v1", &lbv1.WasmPluginVersion{Plugin: "plugin", Image: "image:1", ImageDigest: "sha256:1", Version: "one"}),
	}
	for i := range 5 {
		resources = append(resources, resource(fmt.Sprintf("bs-%d", i), &lbv1.BackendService{
			HealthCheck: "check", Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED, Backends: []*lbv1.Backend{{Group: "us-west1-a/neg"}},
		}))
	}
	const perShard = 256
	for from := 0; from < endpoints; from += perShard {
		shard := &lbv1.EndpointShard{Group: "us-west1-a/neg", Index: uint32(from / perShard)}
		for i := from; i < min(from+perShard, endpoints); i++ {
			shard.Endpoints = append(shard.Endpoints, &lbv1.Endpoint{
				Address: fmt.Sprintf("127.1.%d.%d", i/250, i%250+1), Port: 8080, Instance: "node", Draining: i == 0,
			})
		}
		resources = append(resources, resource(fmt.Sprintf("us-west1-a/neg/%d", from/perShard), shard))
	}
	return &lbv1.Model{Seq: 1, Resources: resources}
}

// idleGroup is one that nobody uses.
func idleGroup() *lbv1.Resource {
	return resource("us-west1-b/idle", &lbv1.NetworkEndpointGroup{Region: "us-west1", Zone: "us-west1-b"})
}

func fixedClock() time.Time { return time.Unix(1_800_000_001, 0) }

// start serves a model, and returns the URL and what was deleted.
func start(t testing.TB, m *lbv1.Model, access computeapi.Access) (url string, gone *deleted) {
	t.Helper()
	gone = &deleted{}
	gone.from = &changing{now: source{m}}
	server := httptest.NewServer(computeapi.New(gone.from, gone, fixedClock).Handler(access))
	t.Cleanup(server.Close)
	return server.URL, gone
}
