package ingress

import "github.com/spillway-lb/spillway/internal/ingress/object"

// Finalizer is the one that Ingresses have while anything is left of them at a proxy.
const Finalizer = finalizerName

// Annotations are those of Ingresses that nobody else writes.
func Annotations() []string {
	return []string{
		writtenMap, writtenBackends, writtenRule, writtenRuleTLS, writtenProxy, writtenProxyTLS, writtenRedirect, writtenCertificates,
		writtenAddress, object.Problems,
	}
}
