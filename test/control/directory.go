package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spillway-lb/spillway/test/serving"
)

const (
	steadyServices = 10  // that the routes use
	unusedServices = 400 // that an edit may bring into use
	churnServices  = 10  // whose endpoints change all the time
)

// directory writes the manifests of one layout.
type directory struct {
	path   string
	layout string
	routes int
	// ports are the backends' on 127.0.0.1; service i is backend i % len(ports).
	ports []int
}

func (d directory) write() error {
	if err := d.put("cluster.yaml", cluster); err != nil {
		return err
	}
	if err := d.put("gateway.yaml", gateway); err != nil {
		return err
	}
	for i := range steadyServices + unusedServices + churnServices {
		if err := d.writeService(i, 1); err != nil {
			return err
		}
	}
	for i := range d.routes {
		if err := d.writeRoute(i, 0, i%steadyServices); err != nil {
			return err
		}
	}
	return nil
}

func (d directory) put(name, text string) error {
	return serving.Write(filepath.Join(d.path, "bench", name), text)
}

// writeRoute writes a route of three rules; its first shows the version and goes to the service.
func (d directory) writeRoute(i, version, service int) error {
	hostnames := ""
	if h := d.host(i); h != "" {
		hostnames = "  hostnames: [" + h + "]\n"
	}
	return d.put(fmt.Sprintf("routes/%d.yaml", i), fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route-%[1]d, namespace: default}
spec:
  parentRefs: [{name: bench}]
%[2]s  rules:
  - matches: [{path: {type: PathPrefix, value: /r%[1]d}}]
    filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: x-version, value: "%[3]d"}]}}]
    backendRefs: [{name: s%[4]d, port: 80}]
  - matches: [{path: {type: PathPrefix, value: /r%[1]d/static}}]
    backendRefs: [{name: s%[5]d, port: 80}]
  - matches: [{path: {type: Exact, value: /r%[1]d/login}, headers: [{name: env, value: canary}]}]
    backendRefs: [{name: s%[5]d, port: 80}]
`, i, hostnames, version, service, churnService(i)))
}

// churnService is one of the services whose endpoints change: those behind the rules that nobody asks for.
func churnService(n int) int { return steadyServices + unusedServices + n%churnServices }

// writeService writes a Service and its hand-made EndpointSlice with n endpoints, the first of which answers.
func (d directory) writeService(i, n int) error {
	var endpoints strings.Builder
	for k := range n {
		fmt.Fprintf(&endpoints, "- {addresses: [127.0.0.%d], conditions: {ready: true}, zone: us-central1-a}\n", k+1)
	}
	return d.put(fmt.Sprintf("services/%d.yaml", i), fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: s%[1]d, namespace: default}
spec: {ports: [{port: 80, targetPort: %[2]d}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: s%[1]d-a, namespace: default, labels: {kubernetes.io/service-name: s%[1]d}}
addressType: IPv4
ports: [{port: %[2]d, protocol: TCP, name: ""}]
endpoints:
%[3]s`, i, d.ports[i%len(d.ports)], endpoints.String()))
}

func (d directory) host(i int) string {
	switch d.layout {
	case "hosts":
		return fmt.Sprintf("h%d.example.com", i%1000)
	case "host":
		return "one.example.com"
	default:
		return ""
	}
}

const cluster = `apiVersion: spillway.dev/v1alpha1
kind: Cluster
metadata: {name: bench}
spec: {region: us-central1, zones: [us-central1-a]}
`

const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: bench, namespace: default}
spec:
  gatewayClassName: gke-l7-rilb
  listeners: [{name: http, protocol: HTTP, port: 8080}]
`
