package compute

import (
	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Google's defaults.
const (
	defaultCheckInterval = 5
	defaultCheckTimeout  = 5
	defaultThreshold     = 2
)

func healthChecks(v *View, r *lbv1.Resource) []Resource {
	h := r.GetHealthCheck()
	if h == nil {
		return nil
	}
	region := v.regions.checks[r.GetName()]
	return v.at(r, Location{Region: region}, "healthChecks", r.GetName(), h.GetOwner(), func(head Resource) shown {
		check := &api.HealthCheck{
			Kind: "compute#healthCheck", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Description: h.GetDescription(), Type: h.GetType().String(),
			CheckIntervalSec: seconds(h.GetCheckInterval(), defaultCheckInterval), TimeoutSec: seconds(h.GetTimeout(), defaultCheckTimeout),
			HealthyThreshold: threshold(h.GetHealthyThreshold()), UnhealthyThreshold: threshold(h.GetUnhealthyThreshold()),
			LogConfig: &api.HealthCheckLogConfig{Enable: h.GetLog(), ForceSendFields: []string{"Enable"}},
		}
		addProbe(check, h)
		return shown{body: check}
	})
}

func threshold(n uint32) int64 {
	if n == 0 {
		return defaultThreshold
	}
	return int64(n)
}

// addProbe shows the part of a health check that depends on its type.
func addProbe(check *api.HealthCheck, h *lbv1.HealthCheck) {
	port, specification, proxyHeader := int64(h.GetPort()), h.GetPortSpecification().String(), h.GetProxyHeader().String()
	http := api.HTTPHealthCheck{
		Port: port, PortName: h.GetPortName(), PortSpecification: specification, ProxyHeader: proxyHeader,
		Host: h.GetHost(), RequestPath: h.GetRequestPath(), Response: h.GetResponse(),
	}
	switch h.GetType() {
	case lbv1.HealthCheck_HTTP:
		check.HttpHealthCheck = &http
	case lbv1.HealthCheck_HTTPS:
		https := api.HTTPSHealthCheck(http)
		check.HttpsHealthCheck = &https
	case lbv1.HealthCheck_HTTP2:
		http2 := api.HTTP2HealthCheck(http)
		check.Http2HealthCheck = &http2
	case lbv1.HealthCheck_GRPC:
		check.GrpcHealthCheck = &api.GRPCHealthCheck{
			Port: port, PortName: h.GetPortName(), PortSpecification: specification, GrpcServiceName: h.GetGrpcServiceName(),
		}
	default:
		check.TcpHealthCheck = &api.TCPHealthCheck{
			Port: port, PortName: h.GetPortName(), PortSpecification: specification, ProxyHeader: proxyHeader,
			Request: h.GetRequest(), Response: h.GetResponse(),
		}
	}
}
