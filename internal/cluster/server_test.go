package cluster_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"

	"github.com/spillway-lb/spillway/internal/kind"
)

// object is one as the server keeps it.
type object = map[string]any

type event struct {
	resource, kind string
	object         object
	version        int
}

// apiServer is an API server over HTTP: discovery, lists, watches from a version on, which may be gone.
type apiServer struct {
	*httptest.Server

	mu        sync.Mutex
	version   int
	resources map[string][]string          // by group/version or v1: resources
	objects   map[string]map[string]object // by resource (group/version/plural): namespace/name
	history   []event
	gone      int // versions before are gone
	refuse    map[string]int
	away      bool
	changed   chan struct{}
	cut       chan struct{} // closed to break every watch
}

func newAPIServer(t *testing.T) *apiServer {
	s := &apiServer{
		version: 1, resources: map[string][]string{}, objects: map[string]map[string]object{}, refuse: map[string]int{},
		changed: make(chan struct{}), cut: make(chan struct{}),
	}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.breakWatches()
		s.CloseClientConnections()
		s.Close()
	})
	s.serves("v1", "pods", "services", "nodes", "namespaces", "secrets", "configmaps")
	s.serves("apps/v1", "deployments", "replicasets", "statefulsets", "daemonsets")
	s.serves("discovery.k8s.io/v1", "endpointslices")
	s.serves("networking.k8s.io/v1", "ingresses", "ingressclasses")
	return s
}

func (s *apiServer) config() *rest.Config { return &rest.Config{Host: s.URL} }

func (s *apiServer) serves(gv string, resources ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[gv] = append(s.resources[gv], resources...)
}

func (s *apiServer) stopsServing(gv string) {
	s.mu.Lock()
	delete(s.resources, gv)
	s.mu.Unlock()
	s.breakWatches()
}

func keyOf(o object) string {
	meta, _ := o["metadata"].(object)
	return fmt.Sprint(meta["namespace"], "/", meta["name"])
}

// typeOf is what objects of a resource say that they are.
func typeOf(resource string) (apiVersion, name string) {
	slash := strings.LastIndexByte(resource, '/')
	for _, k := range kind.All() {
		if k.Plural == resource[slash+1:] && (k.Group == "" || strings.HasPrefix(resource, k.Group+"/")) {
			return resource[:slash], k.Name
		}
	}
	panic("no such resource: " + resource)
}

// put adds or changes an object; resource is group/version/plural, or v1/plural.
func (s *apiServer) put(resource string, o object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects[resource] == nil {
		s.objects[resource] = map[string]object{}
	}
	what := "MODIFIED"
	if s.objects[resource][keyOf(o)] == nil {
		what = "ADDED"
	}
	s.record(resource, what, o)
	s.objects[resource][keyOf(o)] = s.history[len(s.history)-1].object
}

func (s *apiServer) remove(resource, key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.objects[resource][key]
	delete(s.objects[resource], key)
	s.record(resource, "DELETED", o)
}

// record notes an event; the lock is held.
func (s *apiServer) record(resource, what string, o object) {
	s.version++
	b, _ := json.Marshal(o)
	copied := object{}
	_ = json.Unmarshal(b, &copied)
	copied["metadata"].(object)["resourceVersion"] = strconv.Itoa(s.version)
	copied["apiVersion"], copied["kind"] = typeOf(resource)
	s.history = append(s.history, event{resource, what, copied, s.version})
	close(s.changed)
	s.changed = make(chan struct{})
}

// forgetHistory has every version so far be gone.
func (s *apiServer) forgetHistory() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	s.gone = s.version
	s.history = nil
}

func (s *apiServer) breakWatches() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.cut)
	s.cut = make(chan struct{})
}

// leave has the server answer nobody until it comes back.
func (s *apiServer) leave(away bool) {
	s.mu.Lock()
	s.away = away
	s.mu.Unlock()
	s.breakWatches()
	s.CloseClientConnections()
}

func (s *apiServer) refuses(resource string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[resource] = status
}

func (s *apiServer) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	path := strings.Trim(r.URL.Path, "/")
	switch parts := strings.Split(path, "/"); {
	case path == "api":
		reply(w, object{"kind": "APIVersions", "versions": []string{"v1"}})
	case path == "apis":
		reply(w, s.groups())
	case len(parts) == 2 && parts[0] == "api":
		s.list(w, "v1")
	case len(parts) == 3 && parts[0] == "apis":
		s.list(w, parts[1]+"/"+parts[2])
	default:
		s.resource(w, r, strings.TrimPrefix(strings.TrimPrefix(path, "apis/"), "api/"))
	}
}

func (s *apiServer) groups() object {
	s.mu.Lock()
	defer s.mu.Unlock()
	var groups []object
	for gv := range s.resources {
		if group, version, ok := strings.Cut(gv, "/"); ok {
			groups = append(groups, object{"name": group, "versions": []object{{"groupVersion": gv, "version": version}}})
		}
	}
	return object{"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
}

func (s *apiServer) list(w http.ResponseWriter, gv string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []object
	for _, name := range s.resources[gv] {
		all = append(all, object{"name": name})
	}
	reply(w, object{"kind": "APIResourceList", "groupVersion": gv, "resources": all})
}

func (s *apiServer) resource(w http.ResponseWriter, r *http.Request, resource string) {
	gv, plural := resource[:strings.LastIndexByte(resource, '/')], resource[strings.LastIndexByte(resource, '/')+1:]
	s.mu.Lock()
	status := s.refuse[resource]
	found := false
	for _, name := range s.resources[gv] {
		found = found || name == plural
	}
	if status == 0 && !found {
		status = http.StatusNotFound
	}
	s.mu.Unlock()
	switch {
	case status != 0:
		refuse(w, status)
	case r.URL.Query().Get("watch") != "":
		s.watch(w, r, resource)
	default:
		s.listObjects(w, resource)
	}
}

func (s *apiServer) listObjects(w http.ResponseWriter, resource string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []object{}
	for _, o := range s.objects[resource] {
		items = append(items, o)
	}
	reply(w, object{"kind": "List", "metadata": object{"resourceVersion": strconv.Itoa(s.version)}, "items": items})
}

func (s *apiServer) watch(w http.ResponseWriter, r *http.Request, resource string) {
	if r.URL.Query().Get("sendInitialEvents") != "" {
		refuse(w, http.StatusUnprocessableEntity) // as servers do that do not stream lists
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	s.mu.Lock()
	gone, cut := s.gone, s.cut
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	flusher, _ := w.(http.Flusher)
	if from < gone {
		_ = json.NewEncoder(w).Encode(object{"type": "ERROR", "object": statusObject(http.StatusGone)})
		return
	}
	flusher.Flush()
	for {
		s.mu.Lock()
		var due []event
		for _, e := range s.history {
			if e.version > from {
				from = e.version
				if e.resource == resource {
					due = append(due, e)
				}
			}
		}
		changed := s.changed
		s.mu.Unlock()
		for _, e := range due {
			_ = json.NewEncoder(w).Encode(object{"type": e.kind, "object": e.object})
		}
		flusher.Flush()
		select {
		case <-changed:
		case <-cut:
			panic(http.ErrAbortHandler)
		case <-r.Context().Done():
			return
		}
	}
}

func statusObject(code int) object {
	return object{
		"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": http.StatusText(code),
		"reason": map[int]string{http.StatusGone: "Expired", http.StatusForbidden: "Forbidden", http.StatusNotFound: "NotFound"}[code],
	}
}

func refuse(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(statusObject(code))
}

func reply(w http.ResponseWriter, o object) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(o)
}
