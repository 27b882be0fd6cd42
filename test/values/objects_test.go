package values

// The objects beside routes: each value has a Service, a policy or a Gateway of its own.

func service(ports []any, more object) object {
	spec := object{"selector": object{"app": "a"}, "ports": ports}
	for key, v := range more {
		spec[key] = v
	}
	return object{"apiVersion": "v1", "kind": "Service", "spec": spec}
}

func services() (out []value) {
	add := func(field string, port, more object) {
		full := object{"name": "main", "port": 80, "targetPort": 8080}
		for key, v := range port {
			full[key] = v
		}
		out = append(out, value{"Service " + field, service([]any{full}, more), nil})
	}
	for _, kind := range []string{"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"} {
		add("type", nil, object{"type": kind, "externalName": "a.test"})
	}
	for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
		add("ports[].protocol", object{"protocol": protocol}, nil)
	}
	for _, name := range []string{"", "http", "HTTP", "HTTPS", "HTTP2", "kubernetes.io/h2c", "kubernetes.io/ws", "kubernetes.io/wss", "grpc", "tcp", "mysql", "a.test/b", "http3"} {
		add("ports[].appProtocol", object{"appProtocol": name}, nil)
	}
	add("ports[].targetPort", object{"targetPort": "http"}, nil)
	add("clusterIP", nil, object{"clusterIP": "None"})
	return out
}

func policy(group, kind string, spec object) object {
	return object{"apiVersion": group, "kind": kind, "spec": spec}
}

func policies() (out []value) {
	add := func(field, kind string, settings object) {
		group := "networking.gke.io/v1"
		out = append(out, value{kind + " " + field, policy(group, kind, object{"targetRef": object{"group": "", "kind": "Service", "name": "OWN"}, "default": settings}), nil})
	}
	for _, text := range odd {
		for _, path := range []string{"/" + text, text} {
			add("requestPath", "HealthCheckPolicy", object{"config": object{"type": "HTTP", "httpHealthCheck": object{"requestPath": path}}})
		}
		add("host", "HealthCheckPolicy", object{"config": object{"type": "HTTP", "httpHealthCheck": object{"host": text}}})
	}
	for _, path := range []string{"//h", "/a b", "http://h/"} {
		add("requestPath", "HealthCheckPolicy", object{"config": object{"type": "HTTPS", "httpsHealthCheck": object{"requestPath": path}}})
		add("requestPath", "HealthCheckPolicy", object{"config": object{"type": "HTTP2", "http2HealthCheck": object{"requestPath": path}}})
	}
	for _, port := range []object{
		{"portSpecification": "USE_NAMED_PORT", "portName": "none"},
		{"portSpecification": "USE_NAMED_PORT", "portName": "main"},
		{"portSpecification": "USE_FIXED_PORT"},
		{"portSpecification": "USE_FIXED_PORT", "port": 65535},
		{"portSpecification": "USE_SERVING_PORT", "port": 1},
	} {
		add("port", "HealthCheckPolicy", object{"config": object{"type": "HTTP", "httpHealthCheck": port}})
	}
	for _, n := range []int{1, 5, 300} {
		add("timeoutSec", "HealthCheckPolicy", object{"timeoutSec": n, "checkIntervalSec": 2})
		add("timeoutSec", "GCPBackendPolicy", object{"timeoutSec": n})
	}
	for _, kind := range []string{"NONE", "CLIENT_IP", "GENERATED_COOKIE", "HEADER_FIELD", "HTTP_COOKIE", "CLIENT_IP_PROTO"} {
		add("sessionAffinity", "GCPBackendPolicy", object{"sessionAffinity": object{"type": kind}})
		add("sessionAffinity", "GCPBackendPolicy", object{"sessionAffinity": object{"type": kind, "cookieTtlSec": 1209600}})
	}
	for _, n := range []int{0, 1, 1000000} {
		add("logging", "GCPBackendPolicy", object{"logging": object{"enabled": true, "sampleRate": n}})
	}
	for _, target := range []object{
		{"group": "", "kind": "Service", "name": "OWN", "sectionName": "none"},
		{"group": "", "kind": "Service", "name": "none"},
		{"group": "", "kind": "ConfigMap", "name": "OWN"},
		{"group": "a.test", "kind": "Service", "name": "OWN"},
		{"group": "", "kind": "Service", "name": "OWN", "sectionName": "main"},
	} {
		out = append(out, value{"BackendTLSPolicy targetRefs[]", policy("gateway.networking.k8s.io/v1", "BackendTLSPolicy", object{
			"targetRefs": []any{target}, "validation": object{"hostname": "a.test", "wellKnownCACertificates": "System"},
		}), nil})
	}
	for _, validation := range []object{
		{"hostname": "a.test", "wellKnownCACertificates": "a.test/Other"},
		{"hostname": "a.test", "caCertificateRefs": []any{object{"group": "", "kind": "ConfigMap", "name": "none"}}},
		{"hostname": "a.test", "caCertificateRefs": []any{object{"group": "a.test", "kind": "Bundle", "name": "none"}}},
	} {
		out = append(out, value{"BackendTLSPolicy validation", policy("gateway.networking.k8s.io/v1", "BackendTLSPolicy", object{
			"targetRefs": []any{object{"group": "", "kind": "Service", "name": "OWN"}}, "validation": validation,
		}), nil})
	}
	return out
}

func gateways() (out []value) {
	add := func(field string, listener, more object) {
		full := object{"name": "http", "protocol": "HTTP", "port": 80}
		for key, v := range listener {
			full[key] = v
		}
		spec := object{"gatewayClassName": "gke-l7-global-external-managed", "listeners": []any{full}}
		for key, v := range more {
			spec[key] = v
		}
		out = append(out, value{"Gateway " + field, object{"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "spec": spec}, nil})
	}
	for _, protocol := range []string{"HTTP", "HTTPS", "TLS", "TCP", "UDP", "http", "a.test/B"} {
		add("listeners[].protocol", object{"protocol": protocol}, nil)
	}
	for _, host := range []string{"a", "*.a", "a.b.c", "xn--a", "1.2.3.4"} {
		add("listeners[].hostname", object{"hostname": host}, nil)
	}
	for _, port := range []int{1, 80, 8080, 65535} {
		add("listeners[].port", object{"port": port}, nil)
	}
	for _, kinds := range []any{[]any{object{"kind": "HTTPRoute"}}, []any{object{"kind": "TCPRoute"}}, []any{object{"group": "a.test", "kind": "HTTPRoute"}}} {
		add("listeners[].allowedRoutes.kinds", object{"allowedRoutes": object{"kinds": kinds}}, nil)
	}
	for _, namespaces := range []object{
		{"from": "All"},
		{"from": "Selector"},
		{"from": "Selector", "selector": object{"matchLabels": object{"a": "b"}}},
		{"from": "Selector", "selector": object{"matchLabels": object{"a b": "c d"}}},
		{"from": "Selector", "selector": object{"matchExpressions": []any{object{"key": "a", "operator": "Near", "values": []any{"b"}}}}},
		{"from": "Selector", "selector": object{"matchExpressions": []any{object{"key": "a", "operator": "In"}}}},
	} {
		add("listeners[].allowedRoutes.namespaces", object{"allowedRoutes": object{"namespaces": namespaces}}, nil)
	}
	for _, address := range []object{{"type": "Hostname", "value": "a.test"}, {"type": "IPAddress", "value": "192.0.2.1"}, {"type": "NamedAddress", "value": "a|b"}, {"type": "a.test/b", "value": "c"}} {
		add("addresses[]", nil, object{"addresses": []any{address}})
	}
	add("infrastructure.parametersRef", nil, object{"infrastructure": object{"parametersRef": object{"group": "", "kind": "ConfigMap", "name": "a"}}})
	return out
}
