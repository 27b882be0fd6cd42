// Package rollout measures what a client sees of a rolling update: of a Deployment that `spillway serve` plays, under a steady
// rate of requests.
//
// In: a binary and a Plan. Out: how many requests were sent, and which were not answered by 200.
//
//	report, err := rollout.Run(ctx, binary, dir, rollout.Plan{Replicas: 20, Rate: 2000, Gates: true})
//
// `make rollout` prints the figures of docs/reliability.md.
package rollout

import (
	"fmt"
	"strings"
)

// Plan is one measurement.
type Plan struct {
	Name     string
	Replicas int
	// Rate is how many requests are sent a second.
	Rate int
	// Gates has the load balancer open a readiness gate of each Pod: the Service asks for NEGs and an Ingress leads to it.
	// Without it a Gateway leads to the Service, and Pods are Ready when their containers are.
	Gates bool
	// MaxSurge and MaxUnavailable are the strategy, as YAML has them; "" leaves Kubernetes' default.
	MaxSurge, MaxUnavailable string
	// SIGTERM is how the program behaves (see the image test-app), "" is well.
	SIGTERM string
}

// name is that of the Deployment, the Service, and the Ingress or Gateway; namespace is theirs.
const (
	name      = "app"
	namespace = "rollout"
)

func (p Plan) files() map[string]string {
	files := map[string]string{"deployment.yaml": p.deployment(1), "service.yaml": p.service(), "front.yaml": gatewayYAML}
	if p.Gates {
		files["front.yaml"] = ingressYAML
	}
	return files
}

// deployment is the one of a version. Answers take some time, so that each end of a Pod finds requests in flight.
func (p Plan) deployment(version int) string {
	strategy := ""
	if p.MaxSurge != "" {
		strategy = fmt.Sprintf("\n  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: %s, maxUnavailable: %s}}", p.MaxSurge, p.MaxUnavailable)
	}
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: rollout}
spec:
  replicas: %d%s
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      terminationGracePeriodSeconds: 10
      containers:
      - name: app
        image: spillway/test-app
        ports: [{containerPort: 8080}]
        env: [{name: VERSION, value: "%d"}, {name: DELAY, value: 20ms}, {name: SIGTERM, value: %q}]
`, p.Replicas, strategy, version, p.SIGTERM)
}

func (p Plan) service() string {
	annotations := ""
	if p.Gates {
		annotations = `, annotations: {cloud.google.com/neg: '{"ingress": true}'}`
	}
	return strings.Replace(serviceYAML, "ANNOTATIONS", annotations, 1)
}

const serviceYAML = `apiVersion: v1
kind: Service
metadata: {name: app, namespace: rolloutANNOTATIONS}
spec:
  selector: {app: app}
  ports: [{port: 80, targetPort: 8080}]
`

const namespaceYAML = `apiVersion: v1
kind: Namespace
metadata: {name: rollout}
---
`

const ingressYAML = namespaceYAML + `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app, namespace: rollout}
spec:
  defaultBackend: {service: {name: app, port: {number: 80}}}
`

const gatewayYAML = namespaceYAML + `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: app, namespace: rollout}
spec:
  gatewayClassName: gke-l7-global-external-managed
  listeners: [{name: http, protocol: HTTP, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app, namespace: rollout}
spec:
  parentRefs: [{name: app}]
  rules: [{backendRefs: [{name: app, port: 80}]}]
`
