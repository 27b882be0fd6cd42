package admission

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// The webhooks, by the paths that they answer at.
const (
	Validate = "validate"
	Pods     = "pods"
)

// Config is what a server knows.
type Config struct {
	Store *store.Store
	// Foresee returns the writes that an edit would bring about.
	Foresee func(ctx context.Context, edit func(*store.Tx)) ([]recompute.WriteChange, error)
	// Fresh tells whether the store has what there is in a cluster: it is a member, it answers, and everything has been listed.
	Fresh func(cluster string) bool
	// Gates are those that a Pod is to have beside its own.
	Gates func(snapshot *store.Snapshot, cluster string, pod *corev1.Pod) []corev1.PodReadinessGate
	// Strict refuses what Google's documentation shows GKE refusing.
	Strict bool
	// Grace is how long something may be wrong with an object before that is said: watches tell of what was applied just before it.
	Grace time.Duration
	// Logger is told of faults of our own.
	Logger *slog.Logger
	Now    func() time.Time
}

// Server answers reviews. Make one with New.
type Server struct {
	config  Config
	guard   *guard.Guard
	recent  recent
	judging chan struct{} // has a value for each object that is judged now
	Metrics *Metrics
}

// maxJudging bounds how many objects are judged at a time, so that whoever asks a lot slows the rounds of the control plane by that many edits
// at most. Others wait, and are let through when their time is over.
const maxJudging = 2

// New makes a server.
func New(c Config) *Server {
	return &Server{config: c, guard: guard.New(c.Logger, nil), judging: make(chan struct{}, maxJudging), Metrics: newMetrics()}
}

// Handler answers at the paths of all clusters.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /"+Validate+"/{cluster}", s.answer(Validate, s.validate))
	mux.HandleFunc("POST /"+Pods+"/{cluster}", s.answer(Pods, s.gate))
	return mux
}

// wireTime bounds how long a peer may take with what it sends.
const wireTime = 10 * time.Second

// Listen answers over TLS until the context ends; certificate is asked at every handshake.
func (s *Server) Listen(ctx context.Context, address string, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) (net.Addr, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: wireTime, ReadTimeout: wireTime, WriteTimeout: 2 * wireTime, MaxHeaderBytes: 64 << 10,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate},
		ErrorLog:  quiet(),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.ServeTLS(ln, "", "") }() // it fails with its context only
	return ln.Addr(), nil
}
