package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/gateway-api/pkg/consts"
)

// marker tells one writing of an object from the next; it is not shown to the suite.
const marker = "conformance.spillway.dev/edit"

// settleTime bounds the wait until spillway has read what was written.
const settleTime = 10 * time.Second

// front speaks as much of the Kubernetes API as the suite does: get, list, create, update, merge patch, delete, and the logs of
// Pods. What is written goes into files; what is read comes from spillway, so that nothing is shown that it does not know.
type front struct {
	files  files
	socket socket
	edits  atomic.Int64
}

// failure is an answer that is an error.
type failure struct {
	code   int
	reason metav1.StatusReason
	text   string
}

func (f *failure) Error() string { return f.text }

func notFound(t target) error {
	return &failure{http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf("%s %q not found", t.plural, t.name)}
}

// ServeHTTP answers one request.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" {
		reply(w, http.StatusOK, definitions())
		return
	}
	t, ok := parse(r)
	if !ok {
		fail(w, &failure{http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource"})
		return
	}
	if t.subresource == "log" {
		f.log(w, r, t)
		return
	}
	answer, code, err := f.answer(r, t)
	if err != nil {
		fail(w, err)
		return
	}
	reply(w, code, answer)
}

func (f *front) answer(r *http.Request, t target) (answer any, code int, err error) {
	ctx := r.Context()
	switch {
	case r.Method == http.MethodGet && t.name == "":
		answer, err = f.list(ctx, t, r.URL.Query().Get("labelSelector"))
		return answer, http.StatusOK, err
	case r.Method == http.MethodGet:
		answer, err = f.get(ctx, t)
		return answer, http.StatusOK, err
	case r.Method == http.MethodPost:
		answer, err = f.create(ctx, t, r.Body)
		return answer, http.StatusCreated, err
	case r.Method == http.MethodPut && t.subresource == "":
		answer, err = f.update(ctx, t, r.Body)
		return answer, http.StatusOK, err
	case r.Method == http.MethodPatch && t.subresource == "":
		answer, err = f.patch(ctx, t, r.Body)
		return answer, http.StatusOK, err
	case r.Method == http.MethodDelete && t.name != "":
		return &metav1.Status{Status: metav1.StatusSuccess}, http.StatusOK, f.remove(ctx, t)
	}
	return nil, 0, &failure{http.StatusMethodNotAllowed, metav1.StatusReasonMethodNotAllowed, r.Method + " " + r.URL.Path}
}

func (f *front) list(ctx context.Context, t target, selector string) (any, error) {
	wanted, err := labels.Parse(selector)
	if err != nil {
		return nil, &failure{http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error()}
	}
	objects, err := f.socket.objects(ctx, t)
	if err != nil {
		return nil, err
	}
	items := []any{}
	for _, object := range objects {
		if wanted.Matches(labels.Set((&unstructured.Unstructured{Object: object}).GetLabels())) {
			items = append(items, shown(t, object))
		}
	}
	return map[string]any{
		"apiVersion": t.apiVersion(), "kind": t.kind + "List", "metadata": map[string]any{"resourceVersion": "1"}, "items": items,
	}, nil
}

func (f *front) get(ctx context.Context, t target) (map[string]any, error) {
	objects, err := f.socket.objects(ctx, t)
	if err != nil {
		return nil, err
	}
	if len(objects) == 0 {
		return nil, notFound(t)
	}
	return shown(t, objects[0]), nil
}

func (f *front) create(ctx context.Context, t target, body io.Reader) (any, error) {
	object, err := decode(body)
	if err != nil {
		return nil, err
	}
	t.name = (&unstructured.Unstructured{Object: object}).GetName()
	if _, err := f.files.read(t); err == nil {
		return nil, &failure{http.StatusConflict, metav1.StatusReasonAlreadyExists, fmt.Sprintf("%s %q already exists", t.plural, t.name)}
	}
	return f.put(ctx, t, object)
}

func (f *front) update(ctx context.Context, t target, body io.Reader) (any, error) {
	object, err := decode(body)
	if err != nil {
		return nil, err
	}
	if _, err := f.files.read(t); err != nil {
		return nil, notFound(t)
	}
	return f.put(ctx, t, object)
}

func (f *front) patch(ctx context.Context, t target, body io.Reader) (any, error) {
	patch, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	live, err := f.get(ctx, t)
	if err != nil {
		return nil, err
	}
	before, err := json.Marshal(live)
	if err != nil {
		return nil, err
	}
	after, err := jsonpatch.MergePatch(before, patch)
	if err != nil {
		return nil, &failure{http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error()}
	}
	object := map[string]any{}
	if err := json.Unmarshal(after, &object); err != nil {
		return nil, err
	}
	return f.put(ctx, t, object)
}

// put writes an object down and waits until spillway has read it.
func (f *front) put(ctx context.Context, t target, object map[string]any) (any, error) {
	u := &unstructured.Unstructured{Object: object}
	u.SetAPIVersion(t.apiVersion())
	u.SetKind(t.kind)
	delete(object, "status")
	metadata := object["metadata"].(map[string]any)
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "finalizers"} {
		delete(metadata, field)
	}
	edit := strconv.FormatInt(f.edits.Add(1), 10)
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[marker] = edit
	u.SetAnnotations(annotations)
	if err := f.files.write(t, object); err != nil {
		return nil, err
	}
	var read map[string]any
	err := wait(ctx, func() (bool, error) {
		objects, err := f.socket.objects(ctx, t)
		if err != nil || len(objects) == 0 {
			return false, err
		}
		read = objects[0]
		return (&unstructured.Unstructured{Object: read}).GetAnnotations()[marker] == edit, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &failure{http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, fmt.Sprintf("spillway did not take %s %s/%s", t.kind, t.namespace, t.name)}
	}
	if err != nil {
		return nil, err
	}
	return shown(t, read), nil
}

func (f *front) remove(ctx context.Context, t target) error {
	if err := f.files.remove(t); errors.Is(err, os.ErrNotExist) {
		return notFound(t)
	} else if err != nil {
		return err
	}
	return wait(ctx, func() (bool, error) {
		objects, err := f.socket.objects(ctx, t)
		if err != nil || len(objects) == 0 {
			return err == nil, err
		}
		return (&unstructured.Unstructured{Object: objects[0]}).GetDeletionTimestamp() != nil, nil
	})
}

// log answers with a Pod's output. Spillway keeps no times of lines, so sinceTime is not obeyed: the suite's requests have paths
// of their own.
func (f *front) log(w http.ResponseWriter, r *http.Request, t target) {
	text, err := f.socket.logs(r.Context(), t, r.URL.Query().Get("container"))
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, text) // the client is gone
}

// wait asks until the answer is yes, for settleTime at most.
func wait(ctx context.Context, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// shown is an object as the suite may see it.
func shown(t target, object map[string]any) map[string]any {
	u := &unstructured.Unstructured{Object: object}
	u.SetAPIVersion(t.apiVersion())
	u.SetKind(t.kind)
	annotations := u.GetAnnotations()
	delete(annotations, marker)
	u.SetAnnotations(annotations)
	return object
}

func decode(body io.Reader) (map[string]any, error) {
	object := map[string]any{}
	if err := json.NewDecoder(body).Decode(&object); err != nil {
		return nil, &failure{http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error()}
	}
	if _, ok := object["metadata"].(map[string]any); !ok {
		return nil, &failure{http.StatusBadRequest, metav1.StatusReasonBadRequest, "metadata is missing"}
	}
	return object, nil
}

// definitions is the list of CRDs as far as the suite reads it: which version of the API is there.
func definitions() any {
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinitionList", "metadata": map[string]any{},
		"items": []any{map[string]any{
			"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
			"metadata": map[string]any{"name": "gateways." + gatewayGroup, "annotations": map[string]any{
				consts.BundleVersionAnnotation: consts.BundleVersion, consts.ChannelAnnotation: "experimental",
			}},
		}},
	}
}

func reply(w http.ResponseWriter, code int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer) // the client is gone
}

func fail(w http.ResponseWriter, err error) {
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{http.StatusInternalServerError, metav1.StatusReasonInternalError, err.Error()}
	}
	reply(w, f.code, &metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: int32(f.code), Reason: f.reason, Message: f.text,
	})
}
