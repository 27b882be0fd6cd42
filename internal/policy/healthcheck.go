package policy

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/kind"
	proxyconfig "github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// There are three sets of defaults of a health check. What a policy leaves out is Google's API's (policy...); a backend
// without a policy has GKE's (noPolicy...). The third, of package health (defaultInterval and its like), is for models that
// somebody writes by hand: translators always set every field.
const (
	policyInterval   = 5 // s
	policyTimeout    = 5 // s
	policyThresholds = 2

	noPolicyInterval  = 15 // s
	noPolicyTimeout   = 15 // s
	noPolicyHealthy   = 1
	noPolicyUnhealthy = 2
)

// DefaultHealthCheck is what GKE makes of a backend without a policy, with the type that goes with its protocol.
func DefaultHealthCheck(kind lbv1.HealthCheck_Type) *lbv1.HealthCheck {
	check := &lbv1.HealthCheck{
		Type: kind, CheckInterval: seconds(noPolicyInterval), Timeout: seconds(noPolicyTimeout),
		HealthyThreshold: noPolicyHealthy, UnhealthyThreshold: noPolicyUnhealthy, PortSpecification: lbv1.HealthCheck_USE_SERVING_PORT, Log: true,
	}
	if httpFamily(kind) {
		check.RequestPath = "/"
	}
	return check
}

func httpFamily(kind lbv1.HealthCheck_Type) bool {
	return kind == lbv1.HealthCheck_HTTP || kind == lbv1.HealthCheck_HTTPS || kind == lbv1.HealthCheck_HTTP2
}

// HealthCheck returns the health check of a backend: its policy's, or the default of the given type.
func HealthCheck(v *recompute.View, t Target, probe lbv1.HealthCheck_Type) *lbv1.HealthCheck {
	_, p, ok := winner[*networkingv1.HealthCheckPolicy](v, kind.HealthCheckPolicy, t)
	if !ok || p.Spec.Default == nil || refusedCheck(v, t, p.Spec.Default) != "" {
		return DefaultHealthCheck(probe)
	}
	return healthCheckOf(p.Spec.Default, probe)
}

// refusedCheck is why a HealthCheckPolicy cannot be obeyed as a whole, or "": what the prober's own compiler says, and a port
// that its target does not have.
func refusedCheck(v *recompute.View, t Target, c *networkingv1.HealthCheckPolicyConfig) string {
	if c == nil {
		return ""
	}
	check := healthCheckOf(c, lbv1.HealthCheck_HTTP)
	if err := proxyconfig.CheckHealthCheck(check); err != nil {
		at := refusal.Of(err)
		switch at.Path {
		case "request_path":
			return "requestPath: " + at.Text
		case "":
			return at.Text
		}
		return at.Path + ": " + at.Text
	}
	if check.GetPortSpecification() == lbv1.HealthCheck_USE_NAMED_PORT && !hasPort(v, t, check.GetPortName()) {
		return fmt.Sprintf("portName: %s %q has no port named %q", t.Kind, t.Namespace+"/"+t.Name, check.GetPortName())
	}
	return ""
}

// healthCheckOf is what a policy says of a backend whose default probe is of the given type.
func healthCheckOf(c *networkingv1.HealthCheckPolicyConfig, kind lbv1.HealthCheck_Type) *lbv1.HealthCheck {
	check := &lbv1.HealthCheck{
		Type: kind, CheckInterval: seconds(or(c.CheckIntervalSec, policyInterval)), Timeout: seconds(or(c.TimeoutSec, policyTimeout)),
		HealthyThreshold: uint32(or(c.HealthyThreshold, policyThresholds)), UnhealthyThreshold: uint32(or(c.UnhealthyThreshold, policyThresholds)),
		Log: c.LogConfig != nil && or(c.LogConfig.Enabled, false),
	}
	if httpFamily(kind) {
		check.RequestPath = "/"
	}
	if c.Config != nil {
		setProbe(check, c.Config)
	}
	return check
}

// setProbe reads what is asked. The schema sees to it that the part of the type is there and no other.
func setProbe(check *lbv1.HealthCheck, c *networkingv1.HealthCheckConfig) {
	check.RequestPath = ""
	switch c.Type {
	case networkingv1.HealthCheckTCP:
		check.Type = lbv1.HealthCheck_TCP
		if p := c.TCP; p != nil {
			setPort(check, p.ProbePort)
			check.Request, check.Response = or(p.Request, ""), or(p.Response, "")
			check.ProxyHeader = proxyHeader(p.ProxyHeader)
		}
	case networkingv1.HealthCheckHTTP:
		setHTTP(check, lbv1.HealthCheck_HTTP, c.HTTP)
	case networkingv1.HealthCheckHTTPS:
		setHTTP(check, lbv1.HealthCheck_HTTPS, c.HTTPS)
	case networkingv1.HealthCheckHTTP2:
		setHTTP(check, lbv1.HealthCheck_HTTP2, c.HTTP2)
	case networkingv1.HealthCheckGRPC:
		check.Type = lbv1.HealthCheck_GRPC
		if p := c.GRPC; p != nil {
			setPort(check, p.ProbePort)
			check.GrpcServiceName = or(p.GRPCServiceName, "")
		}
	}
}

func setHTTP(check *lbv1.HealthCheck, kind lbv1.HealthCheck_Type, p *networkingv1.HTTPHealthCheck) {
	check.Type, check.RequestPath = kind, "/"
	if p == nil {
		return
	}
	setPort(check, p.ProbePort)
	check.Host, check.Response = or(p.Host, ""), or(p.Response, "")
	check.RequestPath = or(p.RequestPath, "/")
	check.ProxyHeader = proxyHeader(p.ProxyHeader)
}

// setPort takes a port without a specification as a fixed one, as GKE's clusters do.
func setPort(check *lbv1.HealthCheck, p networkingv1.ProbePort) {
	specification := networkingv1.UseServingPort
	switch {
	case p.PortSpecification != nil:
		specification = *p.PortSpecification
	case p.Port != nil:
		specification = networkingv1.UseFixedPort
	case p.PortName != nil:
		specification = networkingv1.UseNamedPort
	}
	switch specification {
	case networkingv1.UseFixedPort:
		check.PortSpecification, check.Port = lbv1.HealthCheck_USE_FIXED_PORT, uint32(or(p.Port, 0))
	case networkingv1.UseNamedPort:
		check.PortSpecification, check.PortName = lbv1.HealthCheck_USE_NAMED_PORT, or(p.PortName, "")
	default:
		check.PortSpecification = lbv1.HealthCheck_USE_SERVING_PORT
	}
}

func proxyHeader(p *networkingv1.ProxyHeader) lbv1.HealthCheck_ProxyHeader {
	if p != nil && *p == networkingv1.ProxyHeaderV1 {
		return lbv1.HealthCheck_PROXY_V1
	}
	return lbv1.HealthCheck_NONE
}

func translateHealthCheckPolicy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*networkingv1.HealthCheckPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	o := judge[*networkingv1.HealthCheckPolicy](v, ref, p.Spec.TargetRef, kind.HealthCheckPolicy, Service, ServiceImport)
	if t, ok := targetOf(ref, p.Spec.TargetRef); ok && o.ok {
		if problem := refusedCheck(v, t, p.Spec.Default); problem != "" {
			o = invalid(problem + "; nothing of the policy is applied")
		}
		o = o.inForce(v, t)
	}
	status := &networkingv1.HealthCheckPolicyStatus{Conditions: []metav1.Condition{o.condition(p.Generation)}}
	return recompute.Result{State: recompute.Present, Writes: o.writes(v, ref, p, status)}
}

// or is the value behind a pointer, or else the default.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func seconds(n int64) *durationpb.Duration { return durationpb.New(time.Duration(n) * time.Second) }

func healthCheckTargets(ref store.Ref, o store.Object) []Target {
	p, ok := o.(*networkingv1.HealthCheckPolicy)
	if !ok {
		return nil
	}
	return oneTarget(ref, p.Spec.TargetRef)
}
