package ingress

import "github.com/spillway-lb/spillway/internal/ingress/object"

// Annotations are those of Ingresses that nobody else writes.
func Annotations() []string {
	return []string{
		writtenMap, writtenBackends, writtenRule, writtenRuleTLS, writtenProxy, writtenProxyTLS, writtenRedirect, writtenCertificates,
		writtenAddress, writtenElsewhere, object.Problems,
	}
}
