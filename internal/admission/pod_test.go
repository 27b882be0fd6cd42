package admission_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const groups = `apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, annotations: {cloud.google.com/neg: '{"exposed_ports":{"80":{}}}'}}
spec: {selector: {run: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: asks, namespace: shop, annotations: {cloud.google.com/neg: '{"ingress":true}'}}
spec: {selector: {run: asks}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: plain, namespace: shop}
spec: {selector: {run: plain}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: broken, namespace: shop, annotations: {cloud.google.com/neg: '{'}}
spec: {selector: {run: broken}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: kube-system, annotations: {cloud.google.com/neg: '{"exposed_ports":{"80":{}}}'}}
spec: {selector: {run: web}, ports: [{port: 80}]}
`

// TestGates: a Pod that a Service with groups selects gets the gate, behind its own ones, once.
func TestGates(t *testing.T) {
	w := newWorld(t, false, groups)
	const gate = "cloud.google.com/load-balancer-neg-ready"
	for name, c := range map[string]struct {
		pod  string
		want []string
	}{
		"exposed":             {"metadata: {name: p, namespace: shop, labels: {run: web}}", []string{gate}},
		"of a Deployment":     {"metadata: {generateName: p-, namespace: shop, labels: {run: web, hash: x}}", []string{gate}},
		"annotated":           {"metadata: {name: p, namespace: shop, labels: {run: asks}}", []string{gate}},
		"no annotation":       {"metadata: {name: p, namespace: shop, labels: {run: plain}}", nil},
		"a broken annotation": {"metadata: {name: p, namespace: shop, labels: {run: broken}}", nil},
		"another namespace":   {"metadata: {name: p, namespace: m, labels: {run: web}}", nil},
		"kube-system":         {"metadata: {name: p, namespace: kube-system, labels: {run: web}}", nil},
		"no labels":           {"metadata: {name: p, namespace: shop}", nil},
		"a gate of its own":   {"metadata: {name: p, namespace: shop, labels: {run: web}}\nspec: {readinessGates: [{conditionType: a/b}]}", []string{"a/b", gate}},
		"it has the gate":     {"metadata: {name: p, namespace: shop, labels: {run: web}}\nspec: {readinessGates: [{conditionType: " + gate + "}]}", []string{gate}},
		"an empty list":       {"metadata: {name: p, namespace: shop, labels: {run: web}}\nspec: {readinessGates: []}", []string{gate}},
	} {
		document := "apiVersion: v1\nkind: Pod\n" + c.pod
		for range 2 { // the second time with what the first made of it
			r := request(t, admissionv1.Create, document, "")
			if r.Object.Raw, document = patchedPod(t, w, r); !slices.Equal(gatesOf(t, r.Object.Raw), c.want) {
				t.Errorf("%s: %s", name, r.Object.Raw)
			}
		}
	}
}

// patchedPod is the Pod after the answer. A Pod without a spec is none to an API server: it gets an empty one.
func patchedPod(t *testing.T, w *world, r *admissionv1.AdmissionRequest) (raw []byte, document string) {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(r.Object.Raw, &fields); err != nil {
		t.Fatal(err)
	}
	if fields["spec"] == nil {
		fields["spec"] = map[string]any{}
	}
	raw, _ = json.Marshal(fields)
	r.Object.Raw = raw
	response := w.ask(t, "/pods/c", r)
	if !response.Allowed {
		t.Fatal("a Pod is held up")
	}
	if response.Patch != nil {
		if *response.PatchType != admissionv1.PatchTypeJSONPatch {
			t.Fatal(*response.PatchType)
		}
		patch, err := jsonpatch.DecodePatch(response.Patch)
		if err != nil {
			t.Fatal(err)
		}
		if raw, err = patch.Apply(raw); err != nil {
			t.Fatalf("%s: %v", response.Patch, err)
		}
	}
	text, err := yaml.JSONToYAML(raw)
	if err != nil {
		t.Fatal(err)
	}
	return raw, string(text)
}

func gatesOf(t *testing.T, raw []byte) []string {
	t.Helper()
	pod := &corev1.Pod{}
	if err := json.Unmarshal(raw, pod); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, g := range pod.Spec.ReadinessGates {
		all = append(all, string(g.ConditionType))
	}
	return all
}

// TestNoGateThatNobodyWouldOpen: a Pod of a cluster that is not heard of gets none, and neither does anything but a Pod that is made.
func TestNoGateThatNobodyWouldOpen(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {run: web}}\n"
	w := newWorld(t, false, groups)
	for name, change := range map[string]func(*admissionv1.AdmissionRequest){
		"updated":          func(r *admissionv1.AdmissionRequest) { r.Operation = admissionv1.Update },
		"its binding":      func(r *admissionv1.AdmissionRequest) { r.SubResource = "binding" },
		"a Pod of others":  func(r *admissionv1.AdmissionRequest) { r.Kind.Group = "example.com" },
		"no Pod":           func(r *admissionv1.AdmissionRequest) { r.Object.Raw = []byte("[]") },
		"not heard of":     func(*admissionv1.AdmissionRequest) { w.fresh = false },
		"nothing any more": func(r *admissionv1.AdmissionRequest) { r.Object.Raw = nil },
	} {
		r := request(t, admissionv1.Create, pod, "")
		change(r)
		if response := w.ask(t, "/pods/c", r); !response.Allowed || response.Patch != nil {
			t.Errorf("%s: %+v", name, response)
		}
		w.fresh = true
	}
}

// TestAServiceThatWasJustLetThrough: its Pods get the gate before the store has heard of it, for as long as a watch may take.
func TestAServiceThatWasJustLetThrough(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: shop, labels: {run: web}}\nspec: {}\n"
	w := newWorld(t, false, "")
	asks := func() bool { return w.ask(t, "/pods/c", request(t, admissionv1.Create, pod, "")).Patch != nil }
	service := request(t, admissionv1.Create, documents(groups)[0], "")
	service.DryRun = new(true)
	w.ask(t, "/validate/c", service)
	if asks() {
		t.Error("a dry run makes no Service")
	}
	service.DryRun = nil
	w.ask(t, "/validate/c", service)
	if !asks() {
		t.Error("no gate")
	}
	w.now = w.now.Add(time.Minute)
	if asks() {
		t.Error("a Service that was never made counts for ever")
	}
}
