package decode

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/manifests/document"
)

func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	docs, syntax := document.Parse([]byte(text))
	if syntax != nil || len(docs) != 1 {
		t.Fatalf("%v %v", docs, syntax)
	}
	return docs[0].Value
}

func TestDecodesLikeJSON(t *testing.T) {
	for text, objects := range map[string][2]any{
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: x, creationTimestamp: "2026-01-02T03:04:05Z", labels: {a: b}},
spec: {replicas: 3, minReadySeconds: 0, template: {metadata: {creationTimestamp: null}, spec: {containers: [{name: c,
resources: {limits: {cpu: 500m, memory: 1Gi}, requests: {cpu: 1}}, readinessProbe: {httpGet: {port: http}}}]}},
strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}}}`: {&appsv1.Deployment{}, &appsv1.Deployment{}},
		`{kind: Secret, data: {a: aGVsbG8=, b: ""}, immutable: true}`:        {&corev1.Secret{}, &corev1.Secret{}},
		`{spec: {rules: [{backendRefs: [{name: a, port: 80, weight: 0}]}]}}`: {&gatewayv1.HTTPRoute{}, &gatewayv1.HTTPRoute{}},
		`{spec: {targetRef: {group: "", kind: Service, name: a}, default: {config: {type: HTTP, httpHealthCheck: {port: 80}}}}}`: {
			&networkingv1.HealthCheckPolicy{}, &networkingv1.HealthCheckPolicy{},
		},
	} {
		value := parse(t, text)
		if violations := new(Decoder).Into(value, objects[0]); len(violations) > 0 {
			t.Errorf("%s: %v", text, violations)
		}
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, objects[1]); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(objects[0], objects[1]) {
			t.Errorf("%s:\n got %+v\nwant %+v", text, objects[0], objects[1])
		}
	}
}

func TestViolations(t *testing.T) {
	for text, want := range map[string]string{
		"spec: {ports: 5}":                        `spec.ports FieldValueTypeInvalid Invalid value: "integer": must be of type array`,
		"spec: {ports: [{port: http}]}":           `spec.ports[0].port FieldValueTypeInvalid Invalid value: "string": must be of type integer`,
		"spec: {ports: [{port: 80.5}]}":           `spec.ports[0].port FieldValueTypeInvalid Invalid value: "number": must be of type integer`,
		"spec: {ports: [{port: 8000000000}]}":     `spec.ports[0].port FieldValueInvalid Invalid value: 8000000000: does not fit into int32`,
		"spec: {ports: [{prot: 80}]}":             `spec.ports[0].prot UnknownField unknown field`,
		"spec: {clusterip: None}":                 `spec.clusterip UnknownField unknown field (it is spelt clusterIP)`,
		"spec: {selector: [a]}":                   `spec.selector FieldValueTypeInvalid Invalid value: "array": must be of type object`,
		"spec: {selector: {app: 5}}":              `spec.selector[app] FieldValueTypeInvalid Invalid value: "integer": must be of type string`,
		"spec: {publishNotReadyAddresses: 'yes'}": `spec.publishNotReadyAddresses FieldValueTypeInvalid Invalid value: "string": must be of type boolean`,
		"spec: [a]": `spec FieldValueTypeInvalid Invalid value: "array": must be of type object`,
		"metadata: {creationTimestamp: yesterday}":  `metadata.creationTimestamp FieldValueInvalid Invalid value: "yesterday": parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"`,
		"spec: {ports: [{port: 80, name: {a: b}}]}": `spec.ports[0].name FieldValueTypeInvalid Invalid value: "object": must be of type string`,
	} {
		violations := new(Decoder).Into(parse(t, text), &corev1.Service{})
		if len(violations) != 1 {
			t.Errorf("%s: %v", text, violations)
			continue
		}
		v := violations[0]
		if got := fmt.Sprintf("%s %s %s", v.Path, v.Rule, v.Message); got != want {
			t.Errorf("%s:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestBadBase64(t *testing.T) {
	violations := new(Decoder).Into(parse(t, "data: {a: '%%', b: 5}"), &corev1.Secret{})
	paths := []string{}
	for _, v := range violations {
		paths = append(paths, v.Path)
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"data[a]", "data[b]"}) {
		t.Errorf("violations %v", violations)
	}
}
