package values

import (
	"slices"
	"strings"
)

// oneOf is how many of the odd texts a field gets one of, unless more are asked for.
const oneOf = 4

// texts are the fields of all other kinds that take a text. Every field gets a part of the odd ones, and every text a part of the fields.
func texts() (out []value) {
	for i, text := range odd {
		every := slices.Concat(textsOfRoutes(text), textsOfPolicies(text), textsOfGateways(text), textsOfServices(text))
		for j, v := range every {
			if *more > 0 || (i+j)%oneOf == 0 {
				out = append(out, v)
			}
		}
	}
	for _, group := range []func() []value{numbersOfPolicies, scopes, kindsOfProbes, redirectsOfRoutes, weightsOfFilters} {
		out = append(out, group()...)
	}
	return out
}

// filtered is a rule with a filter, on the rule or on its backend.
func filtered(field string, filter object) []value {
	return []value{
		{"filters[]." + field, rule(with(false, filter)), nil}, {"backendRefs[].filters[]." + field, rule(with(true, filter)), nil},
	}
}

func textsOfRoutes(text string) (out []value) {
	for _, what := range []string{"requestHeaderModifier", "responseHeaderModifier"} {
		kind := strings.ToUpper(what[:1]) + what[1:]
		for _, name := range []string{"X-A", "Location", "Content-Type"} {
			out = append(out, filtered(what+".set[].value", object{"type": kind, what: object{"set": []any{object{"name": name, "value": text}}}})...)
		}
		out = append(out, filtered(what+".add[].value", object{"type": kind, what: object{"add": []any{object{"name": "X-A", "value": text}}}})...)
		out = append(out, filtered(what+".add[].name", object{"type": kind, what: object{"add": []any{object{"name": text, "value": "a"}}}})...)
	}
	out = append(out, filtered("urlRewrite.hostname", object{"type": "URLRewrite", "urlRewrite": object{"hostname": text}})...)
	out = append(out, filtered("requestRedirect.hostname", object{"type": "RequestRedirect", "requestRedirect": object{"hostname": text}})...)
	out = append(out, filtered("requestRedirect.scheme", object{"type": "RequestRedirect", "requestRedirect": object{"scheme": text}})...)
	out = append(out, filtered("requestRedirect.path.replacePrefixMatch", object{
		"type": "RequestRedirect", "requestRedirect": object{"path": object{"type": "ReplacePrefixMatch", "replacePrefixMatch": text}},
	})...)
	out = append(out, filtered("cors.allowOrigins[]", object{"type": "CORS", "cors": object{"allowOrigins": []any{"https://" + text}}})...)
	out = append(out, filtered("cors.allowMethods[]", object{"type": "CORS", "cors": object{"allowOrigins": []any{"*"}, "allowMethods": []any{text}}})...)
	out = append(out, filtered("requestMirror.backendRef.name", object{"type": "RequestMirror", "requestMirror": object{"backendRef": object{"name": text, "port": 80}}})...)
	fields := func(field string, fields object) {
		fields["backendRefs"] = toA()
		out = append(out, value{field, rule(fields), nil})
	}
	fields("name", object{"name": text})
	fields("timeouts.request", object{"timeouts": object{"request": text}})
	fields("matches[].headers[].value RegularExpression", object{"matches": []any{object{"headers": []any{object{"name": "x-a", "type": "RegularExpression", "value": text}}}}})
	out[len(out)-1].ask = &ask{path: "?"}
	fields("matches[].queryParams[].name", object{"matches": []any{object{"queryParams": []any{object{"name": text, "value": "a"}}}}})
	out[len(out)-1].ask = &ask{path: "/?" + encode(text) + "=a"}
	out = append(out, value{"backendRefs[].name", rule(object{"backendRefs": []any{object{"name": text, "port": 80}}}), nil})
	out = append(out, value{"GRPCRoute matches[].headers[].name", grpcRule(object{"matches": []any{object{"headers": []any{object{"name": text, "value": "a"}}}}}), &ask{path: "?"}})
	return out
}

func textsOfPolicies(text string) (out []value) {
	onService := func(field, kind string, settings object) {
		out = append(out, value{kind + " " + field, policy("networking.gke.io/v1", kind, object{"targetRef": ownService(), "default": settings}), nil})
	}
	for _, kind := range []string{"http", "https", "http2", "tcp", "ssl", "grpc"} {
		probe := func(field string) {
			onService(kind+"HealthCheck."+field, "HealthCheckPolicy", object{"config": object{"type": strings.ToUpper(kind), kind + "HealthCheck": object{field: text}}})
		}
		probe("portName")
		switch kind {
		case "http", "https", "http2":
			probe("host")
			probe("response")
			probe("proxyHeader")
		case "tcp", "ssl":
			probe("request")
			probe("response")
		case "grpc":
			probe("grpcServiceName")
		}
	}
	onService("config.type", "HealthCheckPolicy", object{"config": object{"type": text}})
	onService("securityPolicy", "GCPBackendPolicy", object{"securityPolicy": text})
	onService("sessionAffinity.type", "GCPBackendPolicy", object{"sessionAffinity": object{"type": text}})
	onService("logging.optionalMode", "GCPBackendPolicy", object{"logging": object{"enabled": true, "optionalMode": text}})
	onService("iap.clientID", "GCPBackendPolicy", object{"iap": object{"enabled": true, "clientID": text, "oauth2ClientSecret": object{"name": text}}})
	onService("balancingMode", "GCPBackendPolicy", object{"balancingMode": text})
	onService("customMetrics[].name", "GCPBackendPolicy", object{"balancingMode": "CUSTOM_METRICS", "customMetrics": []any{object{"name": text, "maxUtilizationPercent": 1}}})
	onService("serviceLbAlgorithm", "GCPTrafficDistributionPolicy", object{"serviceLbAlgorithm": text})
	onService("localityLbAlgorithm", "GCPTrafficDistributionPolicy", object{"localityLbAlgorithm": text})
	for _, field := range []string{"hostname", "wellKnownCACertificates"} {
		validation := object{"hostname": "a.test", "wellKnownCACertificates": "System"}
		validation[field] = text
		out = append(out, backendTLS("validation."+field, validation))
	}
	for _, san := range []object{{"type": "Hostname", "hostname": text}, {"type": "URI", "uri": text}, {"type": "URI", "uri": "spiffe://" + text}} {
		out = append(out, backendTLS("validation.subjectAltNames[]", object{"hostname": "a.test", "wellKnownCACertificates": "System", "subjectAltNames": []any{san}}))
	}
	for _, field := range []string{"sslPolicy", "region"} {
		out = append(out, value{"GCPGatewayPolicy " + field, policy("networking.gke.io/v1", "GCPGatewayPolicy", object{
			"targetRef": object{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "OWN"}, "default": object{field: text},
		}), nil})
	}
	return out
}

func ownService() object { return object{"group": "", "kind": "Service", "name": "OWN"} }

func backendTLS(field string, validation object) value {
	return value{"BackendTLSPolicy " + field, policy("gateway.networking.k8s.io/v1", "BackendTLSPolicy", object{
		"targetRefs": []any{ownService()}, "validation": validation,
	}), nil}
}

func textsOfGateways(text string) (out []value) {
	add := func(field string, listener, more object) {
		full := object{"name": "http", "protocol": "HTTP", "port": 80}
		for key, v := range listener {
			full[key] = v
		}
		spec := object{"gatewayClassName": "gke-l7-rilb", "listeners": []any{full}}
		for key, v := range more {
			spec[key] = v
		}
		out = append(out, value{"Gateway " + field, object{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "spec": spec}, nil})
	}
	add("listeners[].name", object{"name": text}, nil)
	add("listeners[].protocol", object{"protocol": text}, nil)
	add("listeners[].hostname", object{"hostname": text}, nil)
	add("listeners[].hostname", object{"hostname": text + ".test"}, nil)
	add("listeners[].hostname", object{"hostname": "*." + text}, nil)
	for _, kind := range []string{"IPAddress", "Hostname", "NamedAddress", text, "a.test/" + text} {
		add("addresses[].value", nil, object{"addresses": []any{object{"type": kind, "value": text}}})
	}
	add("infrastructure.labels", nil, object{"infrastructure": object{"labels": object{"a.test/b": text}}})
	add("infrastructure.annotations", nil, object{"infrastructure": object{"annotations": object{"a.test/b": text}}})
	add("infrastructure.labels", nil, object{"infrastructure": object{"labels": object{text: "a"}}})
	add("infrastructure.annotations", nil, object{"infrastructure": object{"annotations": object{text: "a"}}})
	secure := func(field string, tls object) {
		add("listeners[].tls."+field, object{"protocol": "HTTPS", "tls": tls}, nil)
	}
	secure("options", object{"certificateRefs": []any{object{"name": "cert"}}, "options": object{text: "a"}})
	secure("options", object{"options": object{"networking.gke.io/pre-shared-certs": text}})
	secure("certificateRefs[].name", object{"certificateRefs": []any{object{"name": text}}})
	secure("certificateRefs[].kind", object{"certificateRefs": []any{object{"kind": text, "name": "cert"}}})
	secure("mode", object{"mode": text, "certificateRefs": []any{object{"name": "cert"}}})
	add("defaultScope", nil, object{"defaultScope": text})
	add("allowedRoutes.kinds[].kind", object{"allowedRoutes": object{"kinds": []any{object{"kind": text}}}}, nil)
	add("allowedRoutes.namespaces.from", object{"allowedRoutes": object{"namespaces": object{"from": text}}}, nil)
	return out
}

func textsOfServices(text string) (out []value) {
	add := func(field string, port, more object) {
		full := object{"name": "main", "port": 80, "targetPort": 8080}
		for key, v := range port {
			full[key] = v
		}
		out = append(out, value{"Service " + field, service([]any{full}, more), nil})
	}
	add("ports[].appProtocol", object{"appProtocol": text}, nil)
	add("ports[].name", object{"name": text}, nil)
	add("ports[].targetPort", object{"targetPort": text}, nil)
	add("selector", nil, object{"selector": object{"app": text}})
	add("clusterIP", nil, object{"clusterIP": text})
	add("type", nil, object{"type": text})
	return out
}

func numbersOfPolicies() (out []value) {
	for _, n := range []int{-1, 0, 1, 2, 50, 100, 101, 300, 3600, 86400, 1209600, 1209601, 1<<31 - 1, 1 << 31, 1 << 40} {
		onService := func(field, kind string, settings object) {
			out = append(out, value{kind + " " + field, policy("networking.gke.io/v1", kind, object{"targetRef": ownService(), "default": settings}), nil})
		}
		for _, field := range []string{"checkIntervalSec", "timeoutSec", "healthyThreshold", "unhealthyThreshold"} {
			onService(field, "HealthCheckPolicy", object{field: n})
		}
		onService("port", "HealthCheckPolicy", object{"config": object{"type": "TCP", "tcpHealthCheck": object{"port": n}}})
		onService("timeoutSec", "GCPBackendPolicy", object{"timeoutSec": n})
		onService("maxRatePerEndpoint", "GCPBackendPolicy", object{"maxRatePerEndpoint": n})
		onService("capacityScalerPercent", "GCPBackendPolicy", object{"maxRatePerEndpoint": 10, "capacityScalerPercent": n})
		onService("maxInFlightRequestsPerEndpoint", "GCPBackendPolicy", object{"balancingMode": "IN_FLIGHT", "maxInFlightRequestsPerEndpoint": n})
		onService("connectionDraining", "GCPBackendPolicy", object{"connectionDraining": object{"drainingTimeoutSec": n}})
		onService("sessionAffinity.cookieTtlSec", "GCPBackendPolicy", object{"sessionAffinity": object{"type": "GENERATED_COOKIE", "cookieTtlSec": n}})
		onService("failoverConfig", "GCPTrafficDistributionPolicy", object{"failoverConfig": object{"failoverHealthThreshold": n}})
	}
	return out
}

func scopes() (out []value) {
	for _, text := range append([]string{"us-west1", "gke.io/region"}, odd...) {
		for _, selector := range []object{{"gke.io/region": text}, {text: "us-west1"}} {
			out = append(out, value{"GCPBackendPolicy scopes[].selector", policy("networking.gke.io/v1", "GCPBackendPolicy", object{
				"targetRef": ownService(),
				"default":   object{"maxRatePerEndpoint": 10, "scopes": []any{object{"selector": selector, "capacityScalerPercent": 50}}},
			}), nil})
		}
	}
	return out
}

func kindsOfProbes() (out []value) {
	kinds := []string{"TCP", "SSL", "HTTP", "HTTPS", "HTTP2", "GRPC", "GRPC_WITH_TLS"}
	for _, kind := range kinds {
		for _, field := range []string{"tcp", "ssl", "http", "https", "http2", "grpc", "grpcWithTls"} {
			out = append(out, value{"HealthCheckPolicy config.type", policy("networking.gke.io/v1", "HealthCheckPolicy", object{
				"targetRef": ownService(), "default": object{"config": object{"type": kind, field + "HealthCheck": object{"port": 8080}}},
			}), nil})
		}
	}
	return out
}

// redirectsOfRoutes are redirects that name little, or themselves.
func redirectsOfRoutes() (out []value) {
	for _, to := range []object{
		{},
		{"port": 1},
		{"scheme": "https", "port": 80},
		{"scheme": "http", "port": 443},
		{"path": object{"type": "ReplacePrefixMatch", "replacePrefixMatch": ""}},
		{"path": object{"type": "ReplaceFullPath", "replaceFullPath": ""}},
	} {
		out = append(out, filtered("requestRedirect", object{"type": "RequestRedirect", "requestRedirect": to})...)
	}
	return out
}

func weightsOfFilters() (out []value) {
	for _, percent := range []int{-1, 0, 1, 99, 100, 101} {
		out = append(out, filtered("requestMirror.percent", object{"type": "RequestMirror", "requestMirror": object{"backendRef": toA()[0], "percent": percent}})...)
	}
	for _, age := range []int{-1, 0, 1, 86400, 1 << 40} {
		out = append(out, filtered("cors.maxAge", object{"type": "CORS", "cors": object{"allowOrigins": []any{"*"}, "maxAge": age}})...)
	}
	return out
}
