package compute

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

func backendService(v view, r *lbv1.Resource) (Resource, bool) {
	s := r.GetBackendService()
	if s == nil {
		return Resource{}, false
	}
	f := v.fields("backendService", s.GetRegion(), "backendServices", r.GetName(), s.GetDescription())
	f["protocol"] = s.GetProtocol().String()
	f["loadBalancingScheme"] = s.GetScheme().String()
	f["timeoutSec"] = seconds(s.GetTimeout(), 30)
	f["connectionDraining"] = map[string]any{"drainingTimeoutSec": seconds(s.GetDrainingTimeout(), 0)}
	f["sessionAffinity"] = s.GetSessionAffinity().GetType().String()
	if s.GetLocalityPolicy() != lbv1.LocalityPolicy_LOCALITY_POLICY_UNSPECIFIED {
		f["localityLbPolicy"] = s.GetLocalityPolicy().String()
	}
	if hc := s.GetHealthCheck(); hc != "" {
		f["healthChecks"] = []any{v.link(s.GetRegion(), "healthChecks", hc)}
	}
	addAffinity(f, s.GetSessionAffinity())
	addServiceSettings(f, s)
	var cells []string
	backends := []any{}
	for _, b := range s.GetBackends() {
		zone, name := names.SplitGroup(b.GetGroup())
		cells = append(cells, zone+"/networkEndpointGroups/"+name)
		backends = append(backends, v.backend(b))
	}
	if len(backends) > 0 {
		f["backends"] = backends
	}
	return Resource{r.GetName(), []string{r.GetName(), strings.Join(cells, ","), s.GetProtocol().String()}, f}, true
}

func addAffinity(f map[string]any, a *lbv1.SessionAffinity) {
	if a.GetCookieTtl() != nil {
		f["affinityCookieTtlSec"] = a.GetCookieTtl().GetSeconds()
	}
	hash := map[string]any{}
	if a.GetHeader() != "" {
		hash["httpHeaderName"] = a.GetHeader()
	}
	if a.GetCookieName() != "" || a.GetCookiePath() != "" {
		hash["httpCookie"] = map[string]any{"name": a.GetCookieName(), "path": a.GetCookiePath()}
	}
	if len(hash) > 0 {
		f["consistentHash"] = hash
	}
}

// addServiceSettings shows what is set and seldom is, under the API's names where it has some.
func addServiceSettings(f map[string]any, s *lbv1.BackendService) {
	if l := s.GetLogging(); l != nil {
		f["logConfig"] = map[string]any{"enable": l.GetEnabled(), "sampleRate": l.GetSampleRate()}
		if len(l.GetOptionalFields()) > 0 {
			f["logConfig"].(map[string]any)["optionalFields"] = l.GetOptionalFields()
		}
	}
	if s.GetFailoverThreshold() != 0 {
		f["failoverPolicy"] = map[string]any{"failoverRatio": float64(s.GetFailoverThreshold()) / 100}
	}
	if s.GetAlgorithm() != lbv1.ServiceLbAlgorithm_SERVICE_LB_ALGORITHM_UNSPECIFIED {
		f["loadBalancingAlgorithm"] = s.GetAlgorithm().String()
	}
	if s.GetTls() != nil {
		f["tlsSettings"] = protoFields(s.GetTls())
	}
	if s.GetLimits() != nil {
		f["circuitBreakers"] = protoFields(s.GetLimits())
	}
	if list := s.GetCustomRequestHeaders(); len(list) > 0 {
		f["customRequestHeaders"] = customHeaders(list)
	}
	if list := s.GetCustomResponseHeaders(); len(list) > 0 {
		f["customResponseHeaders"] = customHeaders(list)
	}
	if s.GetOutlierDetection() != nil {
		f["outlierDetection"] = protoFields(s.GetOutlierDetection())
	}
	if s.GetAbortStatus() != 0 {
		f["abortStatus"] = s.GetAbortStatus() // not Google's
	}
}

func (v view) backend(b *lbv1.Backend) map[string]any {
	rate, scaler, preference := 1e8, 1.0, "DEFAULT"
	if b.GetMaxRatePerEndpoint() > 0 {
		rate = b.GetMaxRatePerEndpoint()
	}
	if b.CapacityScaler != nil {
		scaler = b.GetCapacityScaler()
	}
	if b.GetPreferred() {
		preference = "PREFERRED"
	}
	return map[string]any{
		"group": GroupLink(v.Project, b.GetGroup()), "balancingMode": "RATE", "maxRatePerEndpoint": rate,
		"capacityScaler": scaler, "preference": preference,
	}
}

// GroupLink is the URL of a NEG.
func GroupLink(project, group string) string {
	zone, name := names.SplitGroup(group)
	return Link(project, "zones/"+zone+"/networkEndpointGroups", name)
}

func endpointGroup(v view, r *lbv1.Resource) (Resource, bool) {
	g := r.GetNetworkEndpointGroup()
	if g == nil {
		return Resource{}, false
	}
	zone, name := names.SplitGroup(r.GetName())
	size := v.shards[r.GetName()]
	f := v.fields("networkEndpointGroup", "", "networkEndpointGroups", name, g.GetDescription())
	f["selfLink"] = GroupLink(v.Project, r.GetName())
	f["zone"] = Link(v.Project, "zones", zone)
	f["networkEndpointType"] = "GCE_VM_IP_PORT"
	f["size"] = size
	if g.GetCluster() != "" {
		f["annotations"] = map[string]any{"cluster": g.GetCluster()}
	}
	if port := g.GetDefaultPort(); port != 0 {
		f["defaultPort"] = port
	}
	return Resource{name, []string{name, zone, "GCE_VM_IP_PORT", fmt.Sprint(size)}, f}, true
}

func healthCheck(v view, r *lbv1.Resource) (Resource, bool) {
	h := r.GetHealthCheck()
	if h == nil {
		return Resource{}, false
	}
	region := v.checked[r.GetName()]
	f := v.fields("healthCheck", region, "healthChecks", r.GetName(), h.GetDescription())
	f["type"] = h.GetType().String()
	f["checkIntervalSec"] = seconds(h.GetCheckInterval(), 5)
	f["timeoutSec"] = seconds(h.GetTimeout(), 5)
	f["healthyThreshold"] = h.GetHealthyThreshold()
	f["unhealthyThreshold"] = h.GetUnhealthyThreshold()
	if h.GetLog() {
		f["logConfig"] = map[string]any{"enable": true}
	}
	f[strings.ToLower(h.GetType().String())+"HealthCheck"] = probe(h)
	return Resource{r.GetName(), []string{r.GetName(), region, h.GetType().String()}, f}, true
}

// probe is the part of a health check that depends on its type.
func probe(h *lbv1.HealthCheck) map[string]any {
	p := map[string]any{"portSpecification": h.GetPortSpecification().String()}
	set := func(field, value string) {
		if value != "" {
			p[field] = value
		}
	}
	if h.GetPort() != 0 {
		p["port"] = h.GetPort()
	}
	set("portName", h.GetPortName())
	set("host", h.GetHost())
	set("requestPath", h.GetRequestPath())
	set("request", h.GetRequest())
	set("response", h.GetResponse())
	set("grpcServiceName", h.GetGrpcServiceName())
	if h.GetType() != lbv1.HealthCheck_GRPC {
		p["proxyHeader"] = h.GetProxyHeader().String()
	}
	return p
}

// seconds of a duration, or what an unset one means.
func seconds(d *durationpb.Duration, unset int64) int64 {
	if d == nil {
		return unset
	}
	return d.GetSeconds()
}

// customHeaders are written as Google writes them.
func customHeaders(list []*lbv1.Header) []any {
	var out []any
	for _, h := range list {
		out = append(out, h.GetName()+":"+h.GetValue())
	}
	return out
}
