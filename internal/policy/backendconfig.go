package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"
	corev1 "k8s.io/api/core/v1"

	cloudv1 "github.com/spillway-lb/spillway/api/cloud/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	proxyconfig "github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Annotations of a Service that name BackendConfigs; the newer one wins.
const (
	annotationBackendConfig     = "cloud.google.com/backend-config"
	annotationBackendConfigBeta = "beta.cloud.google.com/backend-config"
)

// noBackendConfig is ingress-gce's text, with its dot.
const noBackendConfig = "no BackendConfig for service port exists."

// BackendConfig is what a Service's annotation names for a port, nil if it names nothing. Its values are in order; the error
// has ingress-gce's text.
func BackendConfig(v *recompute.View, cluster string, s *corev1.Service, name string, port int32) (*cloudv1.BackendConfig, error) {
	config, err := findBackendConfig(v, cluster, s, name, port)
	if err != nil {
		return nil, fmt.Errorf("error getting BackendConfig for port \"&ServiceBackendPort{Name:%s,Number:%d,}\" on service %q, err: %w",
			name, port, s.Namespace+"/"+s.Name, err)
	}
	if config == nil {
		return nil, nil
	}
	if err := checkBackendConfig(v, cluster, config); err != nil {
		return nil, fmt.Errorf("BackendConfig %s/%s is not valid: %s", config.Namespace, config.Name, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return config, nil
}

func findBackendConfig(v *recompute.View, cluster string, s *corev1.Service, name string, port int32) (*cloudv1.BackendConfig, error) {
	text, ok := s.Annotations[annotationBackendConfig]
	if !ok {
		text, ok = s.Annotations[annotationBackendConfigBeta]
	}
	if !ok {
		return nil, nil
	}
	var said struct {
		Default string            `json:"default"`
		Ports   map[string]string `json:"ports"`
	}
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		return nil, errors.New("BackendConfig annotation is invalid json")
	}
	if said.Default == "" && len(said.Ports) == 0 {
		return nil, errors.New("no BackendConfig's found in annotation")
	}
	of, found := said.Ports[name]
	if !found {
		of, found = said.Ports[fmt.Sprint(port)]
	}
	if !found {
		of = said.Default
	}
	if of == "" {
		return nil, nil
	}
	config, ok := recompute.Get[*cloudv1.BackendConfig](v, store.Ref{Cluster: cluster, Kind: kind.BackendConfig, Namespace: s.Namespace, Name: of})
	if !ok {
		return nil, errors.New(noBackendConfig) //lint:ignore ST1005 the dot is ingress-gce's
	}
	return config, nil
}

// checkBackendConfig refuses what ingress-gce refuses, what Google's API would, and what requests must not pass without.
func checkBackendConfig(v *recompute.View, cluster string, c *cloudv1.BackendConfig) error {
	spec := &c.Spec
	iap, cdn := spec.Iap != nil && spec.Iap.Enabled, spec.Cdn != nil && spec.Cdn.Enabled
	if iap && cdn {
		return errors.New("iap and cdn cannot be enabled at the same time")
	}
	if iap {
		if err := checkIAP(v, cluster, c.Namespace, spec.Iap); err != nil {
			return err
		}
		return errors.New("iap is Google's, and requests are not let through without it: take it out, or authenticate them by an extension")
	}
	if p := spec.SecurityPolicy; p != nil && p.Name != "" {
		return fmt.Errorf("securityPolicy %q is Google Cloud Armor's, and requests are not let through without it: take it out, or check them by an extension", p.Name)
	}
	if cdn {
		if err := checkCDN(v, cluster, c.Namespace, spec.Cdn); err != nil {
			return err
		}
	}
	return errors.Join(checkTimes(spec), checkAffinity(spec.SessionAffinity), checkLogging(spec.Logging), checkHeaders(spec), checkCheck(spec.HealthCheck))
}

func checkTimes(spec *cloudv1.BackendConfigSpec) error {
	if t := spec.TimeoutSec; t != nil && (*t < 1 || *t > 1<<31-1) {
		return fmt.Errorf("timeoutSec: %d, should be between 1 and 2147483647", *t)
	}
	if d := spec.ConnectionDraining; d != nil && (d.DrainingTimeoutSec < 0 || d.DrainingTimeoutSec > 3600) {
		return fmt.Errorf("connectionDraining.drainingTimeoutSec: %d, should be between 0 and 3600", d.DrainingTimeoutSec)
	}
	return nil
}

func checkAffinity(a *cloudv1.SessionAffinityConfig) error {
	if a == nil {
		return nil
	}
	switch a.AffinityType {
	case "", "NONE", "CLIENT_IP", "GENERATED_COOKIE":
	default:
		return fmt.Errorf("unsupported AffinityType: %s, should be one of NONE, CLIENT_IP, or GENERATED_COOKIE", a.AffinityType)
	}
	if ttl := a.AffinityCookieTtlSec; ttl != nil && (*ttl < 0 || *ttl > 86400) {
		return fmt.Errorf("unsupported AffinityCookieTtlSec: %d, should be between 0 and 86400", *ttl)
	}
	return nil
}

func checkLogging(l *cloudv1.LogConfig) error {
	if l != nil && l.SampleRate != nil && (*l.SampleRate < 0 || *l.SampleRate > 1) {
		return fmt.Errorf("unsupported SampleRate: %f, should be between 0.0 and 1.0", *l.SampleRate)
	}
	return nil
}

func checkHeaders(spec *cloudv1.BackendConfigSpec) error {
	for _, c := range []*cloudv1.CustomHeadersConfig{spec.CustomRequestHeaders, spec.CustomResponseHeaders} {
		if c == nil {
			continue
		}
		for _, h := range c.Headers {
			if name, _, ok := strings.Cut(h, ":"); !ok || strings.TrimSpace(name) == "" {
				return fmt.Errorf("custom header %q is not NAME:VALUE", h)
			}
		}
	}
	if _, err := filter.CompileCustomRequestHeaders(customHeaders(spec.CustomRequestHeaders)); err != nil {
		return refusal.At("customRequestHeaders.headers", err)
	}
	_, err := filter.CompileCustomResponseHeaders(customHeaders(spec.CustomResponseHeaders))
	return refusal.At("customResponseHeaders.headers", err)
}

// checkCheck holds a health check against the limits of Google's API.
func checkCheck(c *cloudv1.HealthCheckConfig) error {
	if c == nil {
		return nil
	}
	for _, f := range []struct {
		name     string
		value    *int64
		low, top int64
	}{
		{"checkIntervalSec", c.CheckIntervalSec, 1, 300},
		{"timeoutSec", c.TimeoutSec, 1, 300},
		{"healthyThreshold", c.HealthyThreshold, 1, 10},
		{"unhealthyThreshold", c.UnhealthyThreshold, 1, 10},
		{"port", c.Port, 1, 65535},
	} {
		if f.value != nil && (*f.value < f.low || *f.value > f.top) {
			return fmt.Errorf("healthCheck.%s: %d, should be between %d and %d", f.name, *f.value, f.low, f.top)
		}
	}
	if t := or(c.Type, "HTTP"); !httpFamily(lbv1.HealthCheck_Type(lbv1.HealthCheck_Type_value[t])) {
		return fmt.Errorf("healthCheck.type: %s, should be HTTP, HTTPS or HTTP2", t)
	}
	if c.TimeoutSec != nil && c.CheckIntervalSec != nil && *c.TimeoutSec > *c.CheckIntervalSec {
		return fmt.Errorf("healthCheck.timeoutSec: %d, should be at most checkIntervalSec, %d", *c.TimeoutSec, *c.CheckIntervalSec)
	}
	check := DefaultHealthCheck(lbv1.HealthCheck_HTTP)
	SetBackendConfigCheck(check, c)
	if err := proxyconfig.CheckHealthCheck(check); err != nil {
		return fmt.Errorf("healthCheck: %w", err)
	}
	return nil
}

// SetBackendConfig applies a BackendConfig to a backend service. Its health check is SetBackendConfigCheck's.
func SetBackendConfig(service *lbv1.BackendService, c *cloudv1.BackendConfig) {
	if c == nil {
		return
	}
	spec := &c.Spec
	if spec.TimeoutSec != nil {
		service.Timeout = seconds(*spec.TimeoutSec)
	}
	if spec.ConnectionDraining != nil {
		service.DrainingTimeout = seconds(spec.ConnectionDraining.DrainingTimeoutSec)
	}
	if a := spec.SessionAffinity; a != nil {
		service.SessionAffinity = backendConfigAffinity(a, service.GetRegion() == "")
	}
	service.CustomRequestHeaders = customHeaders(spec.CustomRequestHeaders)
	service.CustomResponseHeaders = customHeaders(spec.CustomResponseHeaders)
	if l := spec.Logging; l != nil {
		service.Logging = &lbv1.Logging{Enabled: l.Enable}
		if l.Enable {
			service.Logging.SampleRate = or(l.SampleRate, 1)
		}
	}
}

func backendConfigAffinity(a *cloudv1.SessionAffinityConfig, global bool) *lbv1.SessionAffinity {
	out := &lbv1.SessionAffinity{Type: lbv1.SessionAffinity_Type(lbv1.SessionAffinity_Type_value[a.AffinityType])}
	if out.GetType() != lbv1.SessionAffinity_GENERATED_COOKIE {
		return out
	}
	out.CookieName, out.CookiePath, out.CookieTtl = "GCLB", "/", durationpb.New(0)
	if !global {
		out.CookieName = "GCILB"
	}
	if a.AffinityCookieTtlSec != nil {
		out.CookieTtl = seconds(*a.AffinityCookieTtlSec)
	}
	return out
}

func customHeaders(c *cloudv1.CustomHeadersConfig) []*lbv1.Header {
	if c == nil {
		return nil
	}
	var out []*lbv1.Header
	for _, h := range c.Headers {
		name, value, _ := strings.Cut(h, ":")
		out = append(out, &lbv1.Header{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return out
}

// SetBackendConfigCheck applies what a BackendConfig says of the health check, which goes before what was found out; it
// returns whether it says anything. Google's API refuses a timeout that is longer than the interval; where only one of the two
// is said, the other one follows.
func SetBackendConfigCheck(check *lbv1.HealthCheck, c *cloudv1.HealthCheckConfig) bool {
	if c == nil {
		return false
	}
	if c.Type != nil {
		check.Type = lbv1.HealthCheck_Type(lbv1.HealthCheck_Type_value[*c.Type])
	}
	if c.CheckIntervalSec != nil {
		check.CheckInterval = seconds(*c.CheckIntervalSec)
		check.Timeout = seconds(min(check.GetTimeout().GetSeconds(), *c.CheckIntervalSec))
	}
	if c.TimeoutSec != nil {
		check.Timeout = seconds(*c.TimeoutSec)
		check.CheckInterval = seconds(max(check.GetCheckInterval().GetSeconds(), *c.TimeoutSec))
	}
	if c.HealthyThreshold != nil {
		check.HealthyThreshold = uint32(*c.HealthyThreshold)
	}
	if c.UnhealthyThreshold != nil {
		check.UnhealthyThreshold = uint32(*c.UnhealthyThreshold)
	}
	if c.RequestPath != nil {
		check.RequestPath = *c.RequestPath
	}
	if c.Port != nil {
		check.PortSpecification, check.Port = lbv1.HealthCheck_USE_FIXED_PORT, uint32(*c.Port)
	}
	return *c != (cloudv1.HealthCheckConfig{})
}

// IgnoredOfBackendConfig is what a BackendConfig asks for that is not done, and without which answers are the same, or "".
func IgnoredOfBackendConfig(c *cloudv1.BackendConfig) string {
	if c == nil || c.Spec.Cdn == nil || !c.Spec.Cdn.Enabled {
		return ""
	}
	return fmt.Sprintf("BackendConfig %s/%s: cdn is not done, every request goes to the backends", c.Namespace, c.Name)
}
