package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	// followPeriod is how often more of a log is looked for.
	followPeriod  = 200 * time.Millisecond
	headerTimeout = 10 * time.Second
	// maxSince bounds sinceSeconds: no lab is older than a century.
	maxSince = 100 * 366 * 24 * 3600
)

// serveLogs answers the API server's questions to the Nodes of a cluster: what `kubectl logs` shows.
func (a *Agent) serveLogs(ctx context.Context, m *member) error {
	pair, err := tls.X509KeyPair(a.options.Certificate, a.options.Key)
	if err != nil {
		return fmt.Errorf("the certificate of kubelets: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		a.writeLogs(w, r, m.Plan.Name)
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "a lab's Pods are no containers: there is nothing to exec in, attach to or forward from. They answer at their addresses",
			http.StatusNotImplemented)
	})
	for _, n := range m.Nodes {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", netip.AddrPortFrom(n.Address, kubeletPort).String())
		if err != nil {
			return err
		}
		server := &http.Server{
			Handler: mux, ReadHeaderTimeout: headerTimeout, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
			BaseContext: func(net.Listener) context.Context { return ctx }, ErrorLog: slog.NewLogLogger(a.options.Logger.Handler(), slog.LevelDebug),
		}
		context.AfterFunc(ctx, func() { _ = server.Close() })
		a.wg.Go(func() {
			if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
				a.options.Logger.Error("a Node serves no logs any more", "cluster", m.Plan.Name, "error", err)
			}
		})
	}
	return nil
}

// writeLogs answers as a kubelet does.
func (a *Agent) writeLogs(w http.ResponseWriter, r *http.Request, cluster string) {
	query := r.URL.Query()
	for _, unsupported := range []string{"timestamps", "previous"} {
		if v := query.Get(unsupported); v != "" && v != "false" {
			http.Error(w, "a lab's logs show no times and no earlier runs: "+unsupported+" cannot be had", http.StatusBadRequest)
			return
		}
	}
	ref := store.Ref{Cluster: cluster, Kind: kind.Pod, Namespace: r.PathValue("namespace"), Name: r.PathValue("pod")}
	container := r.PathValue("container")
	since, err := sinceOf(query, time.Now())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b, next, err := a.logsOf(ref, container, since)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	b, err = limit(b, query.Get("tailLines"), query.Get("limitBytes"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	if _, err := w.Write(b); err != nil || query.Get("follow") != "true" {
		return
	}
	a.follow(w, r, ref, container, next)
}

// logsOf is what a container has printed since a time; since ever if that is zero.
func (a *Agent) logsOf(ref store.Ref, container string, since time.Time) (b []byte, next int64, err error) {
	from := int64(0)
	if !since.IsZero() {
		if from, err = a.logsSince(ref.Cluster, ref.Namespace, ref.Name, container, since); err != nil {
			return nil, 0, err
		}
	}
	return a.Logs(ref.Cluster, ref.Namespace, ref.Name, container, from)
}

// sinceOf is the time from which on lines are asked for; zero if they all are.
func sinceOf(query url.Values, now time.Time) (time.Time, error) {
	seconds, at := query.Get("sinceSeconds"), query.Get("sinceTime")
	switch {
	case seconds != "":
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil || n < 1 {
			return time.Time{}, fmt.Errorf("sinceSeconds %q is no number of seconds", seconds)
		}
		return now.Add(-time.Duration(min(n, maxSince)) * time.Second), nil
	case at != "":
		since, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return time.Time{}, fmt.Errorf("sinceTime %q is no time", at)
		}
		return since, nil
	}
	return time.Time{}, nil
}

// follow prints on until the Pod is gone or the asker is.
func (a *Agent) follow(w http.ResponseWriter, r *http.Request, ref store.Ref, container string, next int64) {
	flusher := http.NewResponseController(w)
	ticker := time.NewTicker(followPeriod)
	defer ticker.Stop()
	for {
		if err := flusher.Flush(); err != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
		b, at, err := a.Logs(ref.Cluster, ref.Namespace, ref.Name, container, next)
		if err != nil {
			return
		}
		next = at
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// limit leaves the last lines and the first bytes that were asked for.
func limit(b []byte, lines, size string) ([]byte, error) {
	if lines != "" {
		n, err := strconv.Atoi(lines)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("tailLines %q is no number of lines", lines)
		}
		b = tail(b, n)
	}
	if size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("limitBytes %q is no number of bytes", size)
		}
		b = b[:min(n, len(b))]
	}
	return b, nil
}

func tail(b []byte, lines int) []byte {
	if lines == 0 {
		return nil
	}
	end := len(bytes.TrimSuffix(b, []byte("\n")))
	for range lines {
		i := bytes.LastIndexByte(b[:end], '\n')
		if i < 0 {
			return b
		}
		end = i
	}
	return b[end+1:]
}
