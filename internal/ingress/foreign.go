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
	if instead := insteadOf()[name]; instead != "" {
		return instead
	}
	return "it is another controller's"
}

// writtenByController tells the annotations that ingress-gce, and this package, write; they are in manifests that somebody
// took from a cluster.
func writtenByController(name string) bool {
	switch name {
	case "url-map", "redirect-url-map", "forwarding-rule", "https-forwarding-rule", "target-proxy", "https-target-proxy", "ssl-cert",
		"static-ip", "backends":
		return true
	}
	return false
}

// insteadOf is how users of other controllers get what they ask for, by the name of an annotation.
func insteadOf() map[string]string {
	redirect := "use a FrontendConfig with redirectToHttps"
	rewrite := "GKE's Ingress rewrites no paths; use an HTTPRoute with a URLRewrite filter"
	times := "use a BackendConfig with timeoutSec"
	affinity := "use a BackendConfig with sessionAffinity"
	cors := "use an HTTPRoute with a CORS filter"
	split := "use an HTTPRoute with weights or header matches"
	snippet := "there is no such configuration to add to"
	protocol := "use the Service's annotation cloud.google.com/app-protocols"
	auth := "use a GCPTrafficExtension"
	return map[string]string{
		"ssl-redirect": redirect, "force-ssl-redirect": redirect, "rewrite-target": rewrite, "app-root": rewrite,
		"use-regex":          "use an HTTPRoute with matches of type RegularExpression",
		"proxy-read-timeout": times, "proxy-send-timeout": times, "proxy-connect-timeout": times,
		"affinity": affinity, "affinity-mode": affinity, "session-cookie-name": affinity, "session-cookie-max-age": affinity,
		"session-cookie-expires": affinity, "session-cookie-path": affinity,
		"enable-cors": cors, "cors-allow-origin": cors, "cors-allow-methods": cors, "cors-allow-headers": cors, "cors-max-age": cors,
		"cors-allow-credentials": cors, "cors-expose-headers": cors,
		"canary": split, "canary-weight": split, "canary-by-header": split, "canary-by-header-value": split, "canary-by-cookie": split,
		"configuration-snippet": snippet, "server-snippet": snippet,
		"backend-protocol": protocol, "auth-url": auth, "auth-type": auth, "auth-secret": auth, "auth-realm": auth, "auth-signin": auth,
		"whitelist-source-range": auth, "denylist-source-range": auth,
		"permanent-redirect": "use an HTTPRoute with a RequestRedirect filter", "temporal-redirect": "use an HTTPRoute with a RequestRedirect filter",
		"proxy-body-size": "use spec.frontends[].limits of the Configuration",
		"upstream-vhost":  "use an HTTPRoute with a URLRewrite filter",
		"custom-headers":  "use a BackendConfig with customResponseHeaders",
		"mirror-target":   "use an HTTPRoute with a RequestMirror filter",
	}
}
