package compute

import (
	api "google.golang.org/api/compute/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
)

// defaultTimeout is that of a backend service which has none of its own, in seconds.
const defaultTimeout = 30

func backendServices(v *View, r *lbv1.Resource) []Resource {
	s := r.GetBackendService()
	if s == nil {
		return nil
	}
	return v.at(r, Location{Region: s.GetRegion()}, "backendServices", r.GetName(), s.GetOwner(), func(head Resource) shown {
		return shown{v.backendService(head, s), v.ownOfService(s)}
	})
}

func (v *View) backendService(head Resource, s *lbv1.BackendService) *api.BackendService {
	b := &api.BackendService{
		Kind: "compute#backendService", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(s.GetRegion()),
		CreationTimestamp: head.created(), Description: s.GetDescription(), Fingerprint: fingerprint(s),
		Protocol: s.GetProtocol().String(), LoadBalancingScheme: scheme(s.GetScheme()), TimeoutSec: seconds(s.GetTimeout(), defaultTimeout),
		ConnectionDraining: &api.ConnectionDraining{
			DrainingTimeoutSec: s.GetDrainingTimeout().GetSeconds(), ForceSendFields: []string{"DrainingTimeoutSec"},
		},
		CircuitBreakers: circuitBreakers(s.GetLimits()), OutlierDetection: outlierDetection(s.GetOutlierDetection()),
		TlsSettings: tlsSettings(s.GetTls()), LogConfig: logConfig(s.GetLogging()),
		CustomRequestHeaders:  headerLines(s.GetCustomRequestHeaders()),
		CustomResponseHeaders: headerLines(s.GetCustomResponseHeaders()),
	}
	if b.TimeoutSec == 0 {
		b.ForceSendFields = append(b.ForceSendFields, "TimeoutSec") // no timeout at all
	}
	if s.GetLocalityPolicy() != lbv1.LocalityPolicy_LOCALITY_POLICY_UNSPECIFIED {
		b.LocalityLbPolicy = s.GetLocalityPolicy().String()
	}
	if hc := s.GetHealthCheck(); hc != "" {
		b.HealthChecks = []string{v.link(s.GetRegion(), "healthChecks", hc)}
	}
	if hasPolicy(s) {
		b.ServiceLbPolicy = "//networkservices.googleapis.com/" + InLocation(v.Project, s.GetRegion(), "serviceLbPolicies", head.Name)
	}
	for _, backend := range s.GetBackends() {
		b.Backends = append(b.Backends, v.backend(backend))
	}
	addAffinity(b, s.GetSessionAffinity())
	return b
}

func (v *View) backend(b *lbv1.Backend) *api.Backend {
	backend := &api.Backend{
		Group: GroupLink(v.Project, b.GetGroup()), BalancingMode: "RATE", MaxRatePerEndpoint: 1e8, CapacityScaler: 1, Preference: "DEFAULT",
	}
	if b.GetMaxRatePerEndpoint() > 0 {
		backend.MaxRatePerEndpoint = b.GetMaxRatePerEndpoint()
	}
	if b.CapacityScaler != nil {
		backend.CapacityScaler = b.GetCapacityScaler()
		backend.ForceSendFields = []string{"CapacityScaler"} // 0 drains
	}
	if b.GetPreferred() {
		backend.Preference = "PREFERRED"
	}
	return backend
}

func addAffinity(b *api.BackendService, a *lbv1.SessionAffinity) {
	b.SessionAffinity = a.GetType().String()
	if a.GetCookieTtl() != nil {
		b.AffinityCookieTtlSec = a.GetCookieTtl().GetSeconds()
	}
	if a.GetHeader() == "" && a.GetCookieName() == "" && a.GetCookiePath() == "" {
		return
	}
	b.ConsistentHash = &api.ConsistentHashLoadBalancerSettings{HttpHeaderName: a.GetHeader()}
	if a.GetCookieName() != "" || a.GetCookiePath() != "" {
		b.ConsistentHash.HttpCookie = &api.ConsistentHashLoadBalancerSettingsHttpCookie{
			Name: a.GetCookieName(), Path: a.GetCookiePath(), Ttl: duration(a.GetCookieTtl()),
		}
	}
}

func circuitBreakers(l *lbv1.CircuitLimits) *api.CircuitBreakers {
	if l == nil {
		return nil
	}
	return &api.CircuitBreakers{
		MaxConnections: int64(l.GetMaxConnections()), MaxPendingRequests: int64(l.GetMaxPendingRequests()),
		MaxRequests: int64(l.GetMaxRequests()), MaxRetries: int64(l.GetMaxRetries()),
	}
}

func outlierDetection(o *lbv1.OutlierDetection) *api.OutlierDetection {
	if o == nil {
		return nil
	}
	return &api.OutlierDetection{
		ConsecutiveErrors: int64(o.GetConsecutiveErrors()), BaseEjectionTime: duration(o.GetBaseEjectionTime()),
		MaxEjectionPercent: int64(o.GetMaxEjectionPercent()),
	}
}

func tlsSettings(t *lbv1.BackendTls) *api.BackendServiceTlsSettings {
	if t == nil {
		return nil
	}
	settings := &api.BackendServiceTlsSettings{Sni: t.GetHostname()}
	for _, name := range t.GetSubjectAltNames() {
		settings.SubjectAltNames = append(settings.SubjectAltNames, &api.BackendServiceTlsSettingsSubjectAltName{
			DnsName: name.GetHostname(), UniformResourceIdentifier: name.GetUri(),
		})
	}
	return settings
}

func logConfig(l *lbv1.Logging) *api.BackendServiceLogConfig {
	if l == nil {
		return nil
	}
	config := &api.BackendServiceLogConfig{
		Enable: l.GetEnabled(), SampleRate: l.GetSampleRate(), OptionalFields: l.GetOptionalFields(),
		ForceSendFields: []string{"Enable", "SampleRate"},
	}
	if len(l.GetOptionalFields()) > 0 {
		config.OptionalMode = "CUSTOM"
	}
	return config
}

// headerLines are headers as Google writes them, "name:value".
func headerLines(headers []*lbv1.Header) []string {
	var lines []string
	for _, h := range headers {
		lines = append(lines, h.GetName()+":"+h.GetValue())
	}
	return lines
}

// ownOfService is what Google keeps in resources of APIs that are not served here, or has no word for.
func (v *View) ownOfService(s *lbv1.BackendService) own {
	o := own{}
	o.set("abortStatus", s.GetAbortStatus(), s.GetAbortStatus() != 0)
	o.set("target", s.GetTarget(), s.GetTarget() != "")
	o.set("trustConfigs", s.GetTls().GetTrustConfigs(), len(s.GetTls().GetTrustConfigs()) > 0)
	o.set("clientCertificate", s.GetTls().GetClientCertificate(), s.GetTls().GetClientCertificate() != "")
	return o
}

// GroupLink is the URL of a NEG.
func GroupLink(project, group string) string {
	zone, name := names.SplitGroup(group)
	return Link(project, Location{Zone: zone}, "networkEndpointGroups", name)
}

// scheme is "" for one that is not set.
func scheme(s lbv1.LoadBalancingScheme) string {
	if s == lbv1.LoadBalancingScheme_LOAD_BALANCING_SCHEME_UNSPECIFIED {
		return ""
	}
	return s.String()
}

// seconds of a duration, or what an unset one means.
func seconds(d *durationpb.Duration, unset int64) int64 {
	if d == nil {
		return unset
	}
	return d.GetSeconds()
}

func duration(d *durationpb.Duration) *api.Duration {
	if d == nil {
		return nil
	}
	return &api.Duration{Seconds: d.GetSeconds(), Nanos: int64(d.GetNanos()), ForceSendFields: []string{"Seconds"}}
}
