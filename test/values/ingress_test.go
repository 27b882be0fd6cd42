package values

import "strings"

// Ingresses, and what their Services and annotations name. They have no conditions: a Warning event is a refusal in words.

func ingressOf(own string, annotations object, pathType, path string) object {
	backend := object{"service": object{"name": own, "port": object{"number": 80}}}
	return object{
		"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": object{"name": own, "namespace": "default", "annotations": annotations},
		"spec": object{"rules": []any{object{
			"host": own + ".test", "http": object{"paths": []any{object{"path": path, "pathType": pathType, "backend": backend}}},
		}}},
	}
}

// withIngress is what a value of one of these kinds needs beside it; "OWN" stands for its name.
func withIngress(doc object) []object {
	annotations, serviceAnnotations := object{}, object{}
	switch doc["kind"] {
	case "BackendConfig":
		serviceAnnotations["cloud.google.com/backend-config"] = `{"default":"OWN"}`
	case "FrontendConfig":
		annotations["networking.gke.io/v1beta1.FrontendConfig"] = "OWN"
	}
	s := service([]any{object{"name": "main", "port": 80, "targetPort": 8080}}, nil)
	s["metadata"] = object{"name": "OWN", "namespace": "default", "annotations": serviceAnnotations}
	if doc["kind"] == "Ingress" {
		return []object{doc, s}
	}
	return []object{doc, s, ingressOf("OWN", annotations, "Prefix", "/")}
}

func ingresses() (out []value) {
	add := func(field string, annotations object, pathType, path string, a *ask) {
		out = append(out, value{"Ingress " + field, ingressOf("OWN", annotations, pathType, path), a})
	}
	for _, text := range odd {
		for _, pathType := range []string{"Exact", "Prefix", "ImplementationSpecific"} {
			a := &ask{path: "/" + asSent(text)}
			if pathType == "ImplementationSpecific" {
				a.path = "?" // a * at the end is a wildcard
			}
			add("path "+pathType, nil, pathType, "/"+text, a)
		}
		for _, name := range []string{
			"kubernetes.io/ingress.allow-http", "kubernetes.io/ingress.regional-static-ip-name", "kubernetes.io/ingress.global-static-ip-name",
			"ingress.gcp.kubernetes.io/pre-shared-cert", "networking.gke.io/v1beta1.FrontendConfig",
		} {
			add(name, object{name: text}, "Prefix", "/", nil)
		}
	}
	return out
}

func backendConfigs() (out []value) {
	add := func(field string, spec object) {
		out = append(out, value{"BackendConfig " + field, object{"apiVersion": "cloud.google.com/v1", "kind": "BackendConfig", "spec": spec}, nil})
	}
	for _, text := range odd {
		add("healthCheck.requestPath", object{"healthCheck": object{"requestPath": text}})
		add("healthCheck.requestPath", object{"healthCheck": object{"requestPath": "/" + text}})
		add("healthCheck.type", object{"healthCheck": object{"type": text}})
		add("sessionAffinity.affinityType", object{"sessionAffinity": object{"affinityType": text}})
		for _, field := range []string{"customRequestHeaders", "customResponseHeaders"} {
			add(field, object{field: object{"headers": []any{text}}})
			add(field, object{field: object{"headers": []any{"X-A:" + text}}})
			add(field, object{field: object{"headers": []any{text + ":a"}}})
		}
	}
	for _, n := range []int{-1, 0, 1, 60, 3600, 86400, 1 << 31, 1 << 40} {
		add("timeoutSec", object{"timeoutSec": n})
		add("connectionDraining", object{"connectionDraining": object{"drainingTimeoutSec": n}})
		add("sessionAffinity.affinityCookieTtlSec", object{"sessionAffinity": object{"affinityType": "GENERATED_COOKIE", "affinityCookieTtlSec": n}})
		for _, field := range []string{"checkIntervalSec", "timeoutSec", "healthyThreshold", "unhealthyThreshold", "port"} {
			add("healthCheck."+field, object{"healthCheck": object{field: n}})
		}
		add("logging", object{"logging": object{"enable": true, "sampleRate": n}})
	}
	for _, kind := range []string{"HTTP", "HTTPS", "HTTP2", "http", "TCP"} {
		add("healthCheck.type", object{"healthCheck": object{"type": kind}})
	}
	for _, kind := range []string{"NONE", "CLIENT_IP", "GENERATED_COOKIE"} {
		add("sessionAffinity.affinityType", object{"sessionAffinity": object{"affinityType": kind}})
	}
	add("cdn", object{"cdn": object{"enabled": true}})
	add("iap", object{"iap": object{"enabled": true}})
	add("securityPolicy", object{"securityPolicy": object{"name": "a"}})
	return out
}

func frontendConfigs() (out []value) {
	add := func(field string, spec object) {
		out = append(out, value{"FrontendConfig " + field, object{"apiVersion": "networking.gke.io/v1beta1", "kind": "FrontendConfig", "spec": spec}, nil})
	}
	for _, text := range odd {
		add("sslPolicy", object{"sslPolicy": text})
		add("redirectToHttps.responseCodeName", object{"redirectToHttps": object{"enabled": true, "responseCodeName": text}})
	}
	for _, code := range []string{"MOVED_PERMANENTLY_DEFAULT", "FOUND", "SEE_OTHER", "TEMPORARY_REDIRECT", "PERMANENT_REDIRECT"} {
		add("redirectToHttps.responseCodeName", object{"redirectToHttps": object{"enabled": true, "responseCodeName": code}})
	}
	return out
}

// judgeIngress is judge for what an Ingress serves.
func (w *world) judgeIngress(i int, v *value) (words string, err error) {
	if words = w.events["Ingress/"+name(i)] + w.events["Service/"+name(i)]; words != "" {
		return words, nil
	}
	return "", w.serves(i, v)
}

// asSent is a path as clients send it: what is not ASCII is encoded.
func asSent(text string) string {
	var b strings.Builder
	for i := range len(text) {
		if c := text[i]; c >= 0x80 {
			b.WriteString(encode(text[i : i+1]))
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
