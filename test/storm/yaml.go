package storm

import "fmt"

const gatewayYAML = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: storm, namespace: storm}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 8080}]
---
apiVersion: v1
kind: Namespace
metadata: {name: storm}
`

func (f fleet) routeYAML(i int) string {
	x := f.routes[i]
	if !x.exists {
		return ""
	}
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route-%d, namespace: storm}
spec:
  parentRefs: [{name: storm}]
  hostnames: [%s]
  rules:
  - filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: x-version, value: "%d"}]}
    backendRefs:
    - {name: app-%d, port: 8080, weight: %d}
    - {name: app-%d, port: 8080, weight: %d}
`, i, host(i), x.version, i%services, x.weights[0], (i+1)%services, x.weights[1])
}

func (f fleet) serviceYAML(i int) string {
	if !f.services[i].exists {
		return ""
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: app-%[1]d, namespace: storm}
spec:
  selector: {app: app-%[1]d}
  ports: [{port: 8080, targetPort: 8080}]
`, i)
}

func (f fleet) policyYAML(i int) string {
	s := f.services[i]
	if s.checkPath == "" {
		return ""
	}
	return fmt.Sprintf(`apiVersion: networking.gke.io/v1
kind: HealthCheckPolicy
metadata: {name: app-%[1]d, namespace: storm}
spec:
  default:
    checkIntervalSec: 1
    timeoutSec: 1
    config: {type: HTTP, httpHealthCheck: {requestPath: %[2]s}}
  targetRef: {group: "", kind: Service, name: app-%[1]d}
`, i, s.checkPath)
}

func (f fleet) deploymentYAML(i int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: app-%[1]d, namespace: storm}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: app-%[1]d}}
  template:
    metadata: {labels: {app: app-%[1]d}}
    spec:
      containers:
      - name: app
        image: us-docker.pkg.dev/google-samples/containers/gke/whereami:v1.2.20
        ports: [{containerPort: 8080}]
`, i, f.services[i].replicas)
}
