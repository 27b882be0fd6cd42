package ingress

import "strings"

// notObeyed is what to do instead of an annotation that other controllers know, "" for one that is no business of ours.
func notObeyed(annotation string) string {
	prefix, name, _ := strings.Cut(annotation, "/")
	switch prefix {
	case "nginx.ingress.kubernetes.io", "nginx.org", "haproxy.org", "haproxy-ingress.github.io", "traefik.ingress.kubernetes.io",
		"alb.ingress.kubernetes.io", "konghq.com", "appgw.ingress.kubernetes.io":
	case "ingress.kubernetes.io":
		if writtenByController(name) {
			return ""
		}
	default:
		return ""
	}
	if instead := insteadOf[name]; instead != "" {
		return instead
	}
	return "it is another controller's"
}

// writtenByController tells the annotations that ingress-gce, and this package, write; they are in manifests that somebody
// took from a cluster.
func writtenByController(name string) bool {
	switch writtenPrefix + name {
	case writtenMap, writtenRedirect, writtenRule, writtenRuleTLS, writtenProxy, writtenProxyTLS, writtenCertificates, writtenAddress, writtenBackends:
		return true
	}
	return false
}

// What several annotations are to be replaced by.
const (
	insteadRedirect = "use a FrontendConfig with redirectToHttps"
	insteadRewrite  = "GKE's Ingress rewrites no paths; use an HTTPRoute with a URLRewrite filter"
	insteadTimes    = "use a BackendConfig with timeoutSec"
	insteadAffinity = "use a BackendConfig with sessionAffinity"
	insteadCors     = "use an HTTPRoute with a CORS filter"
	insteadSplit    = "use an HTTPRoute with weights or header matches"
	insteadSnippet  = "there is no such configuration to add to"
	insteadProtocol = "use the Service's annotation cloud.google.com/app-protocols"
	insteadAuth     = "use a GCPTrafficExtension"
)

// insteadOf is how users of other controllers get what they ask for, by the name of an annotation.
var insteadOf = map[string]string{
	"ssl-redirect": insteadRedirect, "force-ssl-redirect": insteadRedirect, "rewrite-target": insteadRewrite, "app-root": insteadRewrite,
	"use-regex":          "use an HTTPRoute with matches of type RegularExpression",
	"proxy-read-timeout": insteadTimes, "proxy-send-timeout": insteadTimes, "proxy-connect-timeout": insteadTimes,
	"affinity": insteadAffinity, "affinity-mode": insteadAffinity, "session-cookie-name": insteadAffinity, "session-cookie-max-age": insteadAffinity,
	"session-cookie-expires": insteadAffinity, "session-cookie-path": insteadAffinity,
	"enable-cors": insteadCors, "cors-allow-origin": insteadCors, "cors-allow-methods": insteadCors, "cors-allow-headers": insteadCors, "cors-max-age": insteadCors,
	"cors-allow-credentials": insteadCors, "cors-expose-headers": insteadCors,
	"canary": insteadSplit, "canary-weight": insteadSplit, "canary-by-header": insteadSplit, "canary-by-header-value": insteadSplit, "canary-by-cookie": insteadSplit,
	"configuration-snippet": insteadSnippet, "server-snippet": insteadSnippet,
	"backend-protocol": insteadProtocol, "auth-url": insteadAuth, "auth-type": insteadAuth, "auth-secret": insteadAuth, "auth-realm": insteadAuth, "auth-signin": insteadAuth,
	"whitelist-source-range": insteadAuth, "denylist-source-range": insteadAuth,
	"permanent-redirect": "use an HTTPRoute with a RequestRedirect filter", "temporal-redirect": "use an HTTPRoute with a RequestRedirect filter",
	"proxy-body-size": "use spec.frontends[].limits of the Configuration",
	"upstream-vhost":  "use an HTTPRoute with a URLRewrite filter",
	"custom-headers":  "use a BackendConfig with customResponseHeaders",
	"mirror-target":   "use an HTTPRoute with a RequestMirror filter",
}
