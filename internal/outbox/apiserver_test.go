package outbox

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// apiServer has what matters of an API server's semantics: resourceVersions, preconditions, the status subresource, finalizers,
// merge and strategic patches, defaults, namespaces. What it stores is sent to nobody: events are taken from it.
type apiServer struct {
	mu      sync.Mutex
	version int
	uids    int
	objects map[string]map[string]any // by resource/namespace/name
	events  []apiEvent
	// writes counts requests that ask for a change, by verb and object; changes those that made one.
	writes, changes map[string]int
	// fault, if not nil, may refuse a request: it returns a status or nil.
	fault func(r *http.Request, key string) *metav1.Status
	// unserved are resources that there are not.
	unserved map[string]bool
}

type apiEvent struct {
	gone   bool
	object map[string]any
}

func newAPIServer(namespaces ...string) *apiServer {
	s := &apiServer{objects: map[string]map[string]any{}, writes: map[string]int{}, changes: map[string]int{}, unserved: map[string]bool{}}
	for _, n := range append(namespaces, "default") {
		s.put("namespaces//"+n, map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": n}}, nil)
	}
	return s
}

func meta(o map[string]any) map[string]any {
	m, _ := o["metadata"].(map[string]any)
	if m == nil {
		m = map[string]any{}
		o["metadata"] = m
	}
	return m
}

func text(m map[string]any, key string) string { s, _ := m[key].(string); return s }

func clone(o map[string]any) map[string]any {
	return (&unstructured.Unstructured{Object: o}).DeepCopy().Object
}

// request is a request's path, taken apart.
type request struct {
	resource, namespace, name, sub, key string
}

func parsePath(path string) request {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if parts[0] == "api" {
		parts = parts[2:]
	} else {
		parts = parts[3:]
	}
	var r request
	if parts[0] == "namespaces" && len(parts) > 2 {
		r.namespace, parts = parts[1], parts[2:]
	}
	r.resource = parts[0]
	if len(parts) > 1 {
		r.name = parts[1]
	}
	if len(parts) > 2 {
		r.sub = parts[2]
	}
	r.key = r.resource + "/" + r.namespace + "/" + r.name
	return r
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	to := parsePath(r.URL.Path)
	if r.Method == http.MethodPost {
		to.name = text(meta(decoded(body)), "name")
		to.key += to.name
	}
	if r.Method != http.MethodGet {
		s.writes[r.Method+" "+to.key]++
	}
	var answer any
	var refusal *metav1.Status
	if s.fault != nil {
		refusal = s.fault(r, to.key)
	}
	if refusal == nil && s.unserved[to.resource] {
		refusal = refuse(404, metav1.StatusReasonNotFound, "the server could not find the requested resource")
		refusal.Details = nil
	}
	if refusal == nil {
		before := s.version
		answer, refusal = s.serve(r, to, body)
		if s.version != before && r.Method != http.MethodGet {
			s.changes[r.Method+" "+to.key]++
		}
	}
	w.Header().Set("Content-Type", "application/json")
	if refusal != nil {
		refusal.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		refusal.Status = metav1.StatusFailure
		w.WriteHeader(int(refusal.Code))
		answer = refusal
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func decoded(b []byte) map[string]any {
	o := map[string]any{}
	_ = json.Unmarshal(b, &o)
	return o
}

func refuse(code int32, reason metav1.StatusReason, message string) *metav1.Status {
	return &metav1.Status{Code: code, Reason: reason, Message: message, Details: &metav1.StatusDetails{Name: "x"}}
}

func (s *apiServer) serve(r *http.Request, to request, body []byte) (any, *metav1.Status) {
	old := s.objects[to.key]
	if r.Method == http.MethodPost {
		return s.create(to, decoded(body))
	}
	if old == nil {
		return nil, refuse(404, metav1.StatusReasonNotFound, to.key+" not found")
	}
	switch r.Method {
	case http.MethodGet:
		return clone(old), nil
	case http.MethodDelete:
		return s.remove(to, old, body)
	case http.MethodPut:
		return s.update(to, old, decoded(body))
	}
	next, err := patched(r.Header.Get("Content-Type"), old, body)
	if err != nil {
		return nil, refuse(400, metav1.StatusReasonBadRequest, err.Error())
	}
	return s.update(to, old, next)
}

func (s *apiServer) create(to request, o map[string]any) (any, *metav1.Status) {
	m := meta(o)
	if to.namespace != "" {
		n := s.objects["namespaces//"+to.namespace]
		if n == nil {
			refusal := refuse(404, metav1.StatusReasonNotFound, "namespaces "+to.namespace+" not found")
			refusal.Details.Kind = "namespaces"
			return nil, refusal
		}
		if meta(n)["deletionTimestamp"] != nil {
			refusal := refuse(403, metav1.StatusReasonForbidden, "it is being terminated")
			refusal.Details.Causes = []metav1.StatusCause{{Type: corev1.NamespaceTerminatingCause}}
			return nil, refusal
		}
	}
	switch {
	case s.objects[to.key] != nil:
		return nil, refuse(409, metav1.StatusReasonAlreadyExists, to.key+" already exists")
	case m["resourceVersion"] != nil:
		return nil, refuse(400, metav1.StatusReasonBadRequest, "resourceVersion should not be set on objects to be created")
	}
	if hasSubresource(to.resource) {
		delete(o, "status")
	}
	s.uids++
	m["uid"], m["creationTimestamp"] = "uid-"+strconv.Itoa(s.uids), "2026-01-01T00:00:00Z"
	return s.put(to.key, o, nil), nil
}

func hasSubresource(resource string) bool { return resource != "servicenetworkendpointgroups" }

func (s *apiServer) remove(to request, old map[string]any, body []byte) (any, *metav1.Status) {
	var options metav1.DeleteOptions
	_ = json.Unmarshal(body, &options)
	if p := options.Preconditions; p != nil && p.UID != nil && string(*p.UID) != text(meta(old), "uid") {
		return nil, refuse(409, metav1.StatusReasonConflict, "the UID in the precondition does not match")
	}
	if finalizers, _ := meta(old)["finalizers"].([]any); len(finalizers) > 0 {
		if meta(old)["deletionTimestamp"] == nil {
			next := clone(old)
			meta(next)["deletionTimestamp"] = "2026-01-01T00:00:01Z"
			return s.put(to.key, next, old), nil
		}
		return clone(old), nil
	}
	s.drop(to.key, old)
	return metav1.Status{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusSuccess}, nil
}

func (s *apiServer) drop(key string, old map[string]any) {
	s.version++
	last := clone(old)
	meta(last)["resourceVersion"] = strconv.Itoa(s.version)
	delete(s.objects, key)
	s.events = append(s.events, apiEvent{gone: true, object: last})
}

func patched(contentType string, old map[string]any, body []byte) (map[string]any, error) {
	switch contentType {
	case "application/merge-patch+json":
		next := clone(old)
		mergeInto(next, decoded(body))
		return next, nil
	case "application/strategic-merge-patch+json":
		was, _ := json.Marshal(old)
		out, err := strategicpatch.StrategicMergePatch(was, body, corev1.Pod{})
		return decoded(out), err
	}
	return nil, fmt.Errorf("content type %s", contentType)
}

func mergeInto(to, patch map[string]any) {
	for key, v := range patch {
		inner, isMap := v.(map[string]any)
		switch {
		case v == nil:
			delete(to, key)
		case isMap:
			at, ok := to[key].(map[string]any)
			if !ok {
				at = map[string]any{}
			}
			mergeInto(at, inner)
			to[key] = at
		default:
			to[key] = v
		}
	}
}

// update keeps what a request to a resource or its subresource must not change.
func (s *apiServer) update(to request, old, next map[string]any) (any, *metav1.Status) {
	was, m := meta(old), meta(next)
	for _, key := range []string{"uid", "resourceVersion"} {
		if m[key] != nil && m[key] != was[key] {
			return nil, refuse(409, metav1.StatusReasonConflict, "the object has been modified: "+key)
		}
	}
	if to.sub == "status" {
		kept := clone(old)
		kept["status"] = next["status"]
		next, m = kept, meta(kept)
	} else if hasSubresource(to.resource) {
		if delete(next, "status"); old["status"] != nil {
			next["status"] = clone(old)["status"]
		}
	}
	for _, key := range []string{"uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation"} {
		if m[key] = was[key]; was[key] == nil {
			delete(m, key)
		}
	}
	if was["deletionTimestamp"] != nil {
		had, _ := was["finalizers"].([]any)
		for _, f := range list(m["finalizers"]) {
			if !slices.Contains(had, f) {
				return nil, refuse(422, metav1.StatusReasonInvalid, "no new finalizers can be added if the object is being deleted")
			}
		}
	}
	if to.resource == "services" {
		a, _ := old["spec"].(map[string]any)
		b, _ := next["spec"].(map[string]any)
		if a["clusterIP"] != b["clusterIP"] {
			return nil, refuse(422, metav1.StatusReasonInvalid, "spec.clusterIP: field is immutable")
		}
	}
	if to.resource == "gatewayclasses" {
		a, _ := old["spec"].(map[string]any)
		b, _ := next["spec"].(map[string]any)
		if a["controllerName"] != b["controllerName"] {
			return nil, refuse(422, metav1.StatusReasonInvalid, "spec.controllerName: Value is immutable")
		}
	}
	answer := s.put(to.key, next, old)
	if was["deletionTimestamp"] != nil && len(list(m["finalizers"])) == 0 {
		s.drop(to.key, answer)
	}
	return answer, nil
}

func list(v any) []any { l, _ := v.([]any); return l }

// put stores an object with the defaults of its kind, and numbers it if it is another one.
func (s *apiServer) put(key string, o, old map[string]any) map[string]any {
	if spec, ok := o["spec"].(map[string]any); ok && strings.HasPrefix(key, "services/") {
		for field, value := range map[string]any{"internalTrafficPolicy": "Cluster", "ipFamilyPolicy": "SingleStack", "sessionAffinity": "None"} {
			if spec[field] == nil {
				spec[field] = value
			}
		}
	}
	if old != nil && reflect.DeepEqual(decoded(encode(old)), decoded(encode(o))) {
		return clone(old)
	}
	s.version++
	m := meta(o)
	m["resourceVersion"] = strconv.Itoa(s.version)
	if old == nil || !reflect.DeepEqual(old["spec"], o["spec"]) {
		generation, _ := m["generation"].(float64)
		m["generation"] = generation + 1
	}
	o = decoded(encode(o))
	s.objects[key] = o
	s.events = append(s.events, apiEvent{object: clone(o)})
	return clone(o)
}

func encode(v any) []byte { b, _ := json.Marshal(v); return b }

// edit is somebody else's change.
func (s *apiServer) edit(key string, f func(map[string]any)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.objects[key]
	if old == nil {
		return
	}
	next := clone(old)
	f(next)
	s.put(key, next, old)
}

// add is somebody else's creation, deleteBy their deletion.
func (s *apiServer) add(key string, o map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[key] == nil {
		parts := strings.Split(key, "/")
		_, _ = s.create(request{resource: parts[0], namespace: parts[1], name: parts[2], key: key}, o)
		if status := o["status"]; status != nil {
			s.objects[key]["status"] = status
		}
	}
}

func (s *apiServer) deleteBy(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.objects[key]; old != nil {
		_, _ = s.remove(request{key: key}, old, nil)
	}
}

func (s *apiServer) get(key string) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o := s.objects[key]; o != nil {
		return clone(o)
	}
	return nil
}

// take returns up to n events, in order.
func (s *apiServer) take(n int) []apiEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, len(s.events))
	out := s.events[:n]
	s.events = s.events[n:]
	return out
}

func (s *apiServer) listed() (all []map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		all = append(all, clone(s.objects[key]))
	}
	s.events = nil
	return all
}

func (s *apiServer) countWrites() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.writes {
		n += c
	}
	return n
}

// handlerTransport has a handler answer requests without a socket.
type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &responseWriter{header: http.Header{}, code: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, r)
	return &http.Response{
		StatusCode: w.code, Header: w.header, Body: io.NopCloser(strings.NewReader(w.body.String())), Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

type responseWriter struct {
	header http.Header
	code   int
	body   strings.Builder
}

func (w *responseWriter) Header() http.Header         { return w.header }
func (w *responseWriter) WriteHeader(code int)        { w.code = code }
func (w *responseWriter) Write(b []byte) (int, error) { return w.body.Write(b) }

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
