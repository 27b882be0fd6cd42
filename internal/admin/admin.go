// Package admin serves what operators look at while a process runs: Prometheus metrics, profiles, and whether it is ready.
//
// In: an address, and the collectors of whatever the process counts. Out: /metrics, /debug/pprof, /readyz and /healthz on that
// address, until the context ends.
//
//	at, err := admin.Serve(ctx, "127.0.0.1:0", proxy.Metrics())
//
// There is no authentication: the address belongs on a loopback (see OnLoopback) or a private network.
package admin

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// headerTimeout bounds how long a client may take to say what it wants.
const headerTimeout = 10 * time.Second

// Serve listens on an address, which it returns, and answers until the context ends. The process and its runtime are
// counted besides what the collectors hold.
func Serve(ctx context.Context, address string, counted ...prometheus.Collector) (net.Addr, error) {
	return ServeReady(ctx, address, func() error { return nil }, counted...)
}

// ServeReady is like Serve for a process that takes a while until it does its work, and not for ever: /readyz answers 200, or 503 with what it
// waits for. /healthz answers 200 as long as the process does.
func ServeReady(ctx context.Context, address string, ready func() error, counted ...prometheus.Collector) (net.Addr, error) {
	handler, err := newHandler(ready, counted)
	if err != nil {
		return nil, err
	}
	return ServeHandler(ctx, address, IsOwnHost, handler)
}

// ServeHandler is like Serve for something else that has no authentication: on loopback it answers to its own hosts only, which
// are at least those of IsOwnHost.
func ServeHandler(ctx context.Context, address string, own func(host string) bool, handler http.Handler) (net.Addr, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	server := &http.Server{Handler: ownHosts(ln.Addr(), own, handler), ReadHeaderTimeout: headerTimeout}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(ln) }() // it fails with its context only
	return ln.Addr(), nil
}

func newHandler(ready func() error, counted []prometheus.Collector) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	process := []prometheus.Collector{
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	}
	for _, c := range append(process, counted...) {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, ready()) })
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index) // also heap, goroutine and the other named profiles
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux, nil
}

// answer is that of a probe.
func answer(w http.ResponseWriter, problem error) {
	if problem != nil {
		http.Error(w, problem.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte("ok\n")) // a probe that is gone needs no answer
}
