package control

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Server answers the command line.
type Server struct {
	source Source
	http   *http.Server
}

// NewServer makes a server; Serve runs it. Apis answers all paths that are not the server's own, as the APIs of Google that the
// command line stands on do; nil answers none.
func NewServer(source Source, apis http.Handler) *Server {
	s := &Server{source: source}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/info", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.source.Info()) })
	mux.HandleFunc("GET /v1/urls", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.source.URLs()) })
	mux.HandleFunc("GET /v1/objects", s.objects)
	mux.HandleFunc("GET /v1/model", s.model)
	mux.HandleFunc("GET /v1/health", s.health)
	mux.HandleFunc("GET /v1/troubles", s.troubles)
	mux.HandleFunc("GET /v1/logs", s.logs)
	if apis != nil {
		mux.Handle("/compute/v1/", apis)
		mux.Handle("/v1/projects/", apis)
	}
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	return s
}

// Serve answers on a listener until Close.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Close ends Serve and removes the socket.
func (s *Server) Close() error { return s.http.Close() }

func (s *Server) objects(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	ref := store.Ref{Cluster: q.Get("cluster"), Kind: q.Get("kind"), Namespace: q.Get("namespace"), Name: q.Get("name")}
	items := []map[string]any{}
	var failed error
	s.source.Snapshot().Walk(ref.Kind, ref.Cluster, ref.Namespace, func(e *store.Entry) bool {
		if ref.Name != "" && e.Ref.Name != ref.Name {
			return true
		}
		content, err := Content(e, q.Get("secrets") == "true")
		if err != nil {
			failed = err
			return false
		}
		items = append(items, content)
		return true
	})
	if failed != nil {
		http.Error(w, failed.Error(), http.StatusInternalServerError)
		return
	}
	reply(w, items)
}

func (s *Server) model(w http.ResponseWriter, _ *http.Request) {
	b, err := protojson.Marshal(RedactModel(s.source.Model()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b) // the client is gone
}

func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("backend-service")
	endpoints, ok := s.source.Health(name)
	if !ok {
		http.Error(w, "no backend service is named "+name, http.StatusNotFound)
		return
	}
	reply(w, endpoints)
}

func (s *Server) troubles(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	reply(w, s.source.Troubles(Query{
		Kind: q.Get("kind"), Cluster: q.Get("cluster"), Namespace: q.Get("namespace"), Name: q.Get("name"),
	}))
}

func (s *Server) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	pod := store.Ref{Cluster: q.Get("cluster"), Kind: kind.Pod, Namespace: q.Get("namespace"), Name: q.Get("name")}
	from, err := strconv.ParseInt(q.Get("from"), 10, 64)
	if err != nil || from < 0 {
		http.Error(w, "from is an offset, not "+q.Get("from"), http.StatusBadRequest)
		return
	}
	if s.source.Snapshot().Get(pod) == nil {
		http.Error(w, "no Pod is named "+pod.Name, http.StatusNotFound)
		return
	}
	reply(w, s.source.Logs(pod, q.Get("container"), from))
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client is gone
}
