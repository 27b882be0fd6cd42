package printer

import (
	"fmt"
	"net"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// probes are a container's, in kubectl's words.
func (d *description) probes(c corev1.Container) {
	for _, p := range []struct {
		title string
		probe *corev1.Probe
	}{{"Liveness", c.LivenessProbe}, {"Readiness", c.ReadinessProbe}, {"Startup", c.StartupProbe}} {
		if p.probe != nil {
			d.line(2, "%s:\t%s", p.title, probeText(p.probe))
		}
	}
}

func probeText(p *corev1.Probe) string {
	attributes := fmt.Sprintf("delay=%ds timeout=%ds period=%ds #success=%d #failure=%d",
		p.InitialDelaySeconds, p.TimeoutSeconds, p.PeriodSeconds, p.SuccessThreshold, p.FailureThreshold)
	switch {
	case p.Exec != nil:
		return fmt.Sprintf("exec %v %s", p.Exec.Command, attributes)
	case p.HTTPGet != nil:
		at := net.JoinHostPort(p.HTTPGet.Host, p.HTTPGet.Port.String()) + "/" + strings.TrimPrefix(p.HTTPGet.Path, "/")
		return fmt.Sprintf("http-get %s://%s %s", strings.ToLower(or(string(p.HTTPGet.Scheme), "http")), at, attributes)
	case p.TCPSocket != nil:
		return fmt.Sprintf("tcp-socket %s:%s %s", p.TCPSocket.Host, p.TCPSocket.Port.String(), attributes)
	case p.GRPC != nil:
		service := ""
		if p.GRPC.Service != nil {
			service = *p.GRPC.Service
		}
		return fmt.Sprintf("grpc <pod>:%d %s %s", p.GRPC.Port, service, attributes)
	}
	return "unknown " + attributes
}
