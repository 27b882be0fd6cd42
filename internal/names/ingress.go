package names

import (
	"strings"

	"github.com/spillway-lb/spillway/internal/digest"
)

// Ingress names what an Ingress becomes, by ingress-gce's second scheme: k8s2-KIND-CCCCCCCC-NAMESPACE-NAME-HHHHHHHH.
type Ingress struct {
	cluster, balancer string
}

const (
	// ingressFields is how many characters namespace and name share.
	ingressFields = 36
	ingressHash   = 8
)

// ForIngress names the resources of one Ingress of a cluster, which is known by its uid.
func ForIngress(uid, namespace, name string) Ingress {
	cluster := digest.Content(uid, ingressHash)
	field := TrimEvenly(ingressFields, namespace, name)
	suffix := digest.Content(strings.Join([]string{uid, namespace, name}, ";"), ingressHash)
	return Ingress{cluster, strings.Join([]string{cluster, field[0], field[1], suffix}, "-")}
}

// ForwardingRule names what listens, with TLS or without. The static address that both share has the name of the latter.
func (n Ingress) ForwardingRule(tls bool) string {
	if tls {
		return "k8s2-fs-" + n.balancer
	}
	return "k8s2-fr-" + n.balancer
}

// TargetProxy names what reads requests.
func (n Ingress) TargetProxy(tls bool) string {
	if tls {
		return "k8s2-ts-" + n.balancer
	}
	return "k8s2-tp-" + n.balancer
}

// URLMap names the routing.
func (n Ingress) URLMap() string { return "k8s2-um-" + n.balancer }

// RedirectMap names the routing of what is redirected to HTTPS.
func (n Ingress) RedirectMap() string { return "k8s2-rm-" + n.balancer }

// Certificate names a certificate by its content.
func (n Ingress) Certificate(chainPEM string) string {
	return strings.Join([]string{"k8s2-cr", n.cluster, digest.Content(n.balancer, 16), digest.Hex(chainPEM, 16)}, "-")
}

// TrimEvenly cuts the ends of fields that are longer than budget together, each in proportion to its length, as
// ingress-gce does. What rounding saves goes to the fields from the first on, one character each.
func TrimEvenly(budget int, fields ...string) []string {
	total := 0
	for _, f := range fields {
		total += len(f)
	}
	if total <= budget {
		return fields
	}
	excess := total - budget
	length := make([]int, len(fields))
	left := budget
	for i, f := range fields {
		length[i] = max(0, len(f)-len(f)*excess/total-1)
		left -= length[i]
	}
	trimmed := make([]string, len(fields))
	for i, f := range fields {
		if left > 0 && length[i] < len(f) {
			length[i]++
			left--
		}
		trimmed[i] = f[:length[i]]
	}
	return trimmed
}
