package admission_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/admission"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	negcontroller "github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// world is a cluster "c" as a controller knows it, with an engine that has translated it.
type world struct {
	store  *store.Store
	engine *recompute.Engine
	last   *store.Snapshot
	fresh  bool
	err    error // of Foresee
	now    time.Time
	// judged is called before each look at a candidate.
	judged func()
	server *admission.Server
}

func newWorld(t testing.TB, strict bool, manifests string) *world {
	t.Helper()
	return newWorldWithGrace(t, strict, manifests, 0)
}

func newWorldWithGrace(t testing.TB, strict bool, manifests string, grace time.Duration) *world {
	t.Helper()
	w := &world{store: store.New(translate.Indexes()...), engine: recompute.New(translate.Config(translate.Options{})), fresh: true, judged: func() {}}
	w.store.Commit(func(tx *store.Tx) {
		tx.SetFact(fact.Allocating(), true)
		tx.SetFact(fact.AddressPool(), netip.MustParsePrefix("10.127.0.0/16"))
		for _, o := range objects(t, manifests) {
			cluster := "c"
			if o.GetObjectKind().GroupVersionKind().Group == "spillway.dev" {
				cluster = ""
			}
			tx.Put(cluster, o, "")
		}
	})
	writer := status.NewWriter(w.store, status.Limits{})
	w.last = w.store.Snapshot()
	sub := w.store.Subscribe()
	for range 5 {
		snapshot, touched := sub.Take()
		if len(touched) == 0 {
			break
		}
		w.last = snapshot
		writer.Apply(w.engine.Run(snapshot, touched).Writes, touched, time.Unix(1700000000, 0))
	}
	w.server = admission.New(admission.Config{
		Store: w.store, Gates: negcontroller.Gates, Strict: strict, Grace: grace, Now: func() time.Time { return w.now },
		Fresh: func(cluster string) bool { return w.fresh && cluster == "c" },
		Foresee: func(_ context.Context, edit func(*store.Tx)) ([]recompute.WriteChange, error) {
			w.judged()
			if w.err != nil {
				return nil, w.err
			}
			snapshot, touched := w.store.Candidate(w.last, edit)
			return w.engine.Fork().Run(snapshot, touched).Writes, nil
		},
	})
	return w
}

// documents splits manifests.
func documents(manifests string) []string {
	var all []string
	for d := range strings.SplitSeq(manifests, "\n---\n") {
		if strings.TrimSpace(d) != "" {
			all = append(all, d)
		}
	}
	return all
}

func objects(t testing.TB, manifests string) []store.Object {
	t.Helper()
	var all []store.Object
	for _, d := range documents(manifests) {
		raw := toJSON(t, d)
		var meta metav1.TypeMeta
		if err := json.Unmarshal(raw, &meta); err != nil {
			t.Fatal(err)
		}
		o, ok := schema.New(meta.APIVersion, meta.Kind)
		if !ok {
			t.Fatalf("no such kind: %s", d)
		}
		if err := json.Unmarshal(raw, o); err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
	return all
}

func toJSON(t testing.TB, document string) []byte {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatalf("%v: %s", err, document)
	}
	return raw
}

// request is an API server's about an object.
func request(t testing.TB, operation admissionv1.Operation, document, before string) *admissionv1.AdmissionRequest {
	t.Helper()
	raw := toJSON(t, document)
	var o unstructured.Unstructured
	if err := json.Unmarshal(raw, &o.Object); err != nil {
		t.Fatal(err)
	}
	gvk := o.GroupVersionKind()
	r := &admissionv1.AdmissionRequest{
		UID: types.UID("u"), Kind: metav1.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind},
		Name: o.GetName(), Namespace: o.GetNamespace(), Operation: operation, Object: runtime.RawExtension{Raw: raw},
	}
	if before != "" {
		r.OldObject.Raw = toJSON(t, before)
	}
	return r
}

// ask sends a request as an API server does.
func (w *world) ask(t testing.TB, path string, r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	body, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: r,
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := w.post(path, body)
	review := admissionv1.AdmissionReview{}
	if err := json.Unmarshal(answer.Body.Bytes(), &review); err != nil || answer.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", answer.Code, answer.Body, err)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || review.Response == nil || review.Response.UID != r.UID {
		t.Fatalf("no answer to the request: %s", answer.Body)
	}
	return review.Response
}

func (w *world) post(path string, body []byte) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodPost, path+"?timeout=3s", bytes.NewReader(body)))
	return answer
}
