package gateway

// Annotations are those of Gateways that name their resources: nobody else writes them.
func Annotations() []string {
	kinds := []string{
		"addresses", "backend-services", "firewalls", "forwarding-rules", "health-checks", "last-reconcile-time", "lb-route-extensions",
		"lb-traffic-extensions", "ssl-certificates", "target-http-proxies", "target-https-proxies", "url-maps", "wasm-plugins", "wasm-plugin-versions",
	}
	for i, k := range kinds {
		kinds[i] = annotationPrefix + k
	}
	return kinds
}
