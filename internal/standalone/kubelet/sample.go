package kubelet

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spillway-lb/spillway/internal/standalone/process"
	"github.com/spillway-lb/spillway/internal/standalone/sample"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

const (
	// idleTimeout is above the 600 s after which Google's load balancers close idle connections to backends.
	idleTimeout   = 620 * time.Second
	headerTimeout = 30 * time.Second
)

// sampleBackend is a built-in program on its sockets.
type sampleBackend struct {
	ip      netip.Addr
	ports   map[uint16]uint16 // every port, also those bound as asked for
	servers []*http.Server
	streams []*streamServer
	leaving atomic.Bool
	onTerm  func() sample.Term
	log     *process.Log
	once    sync.Once
	done    chan struct{}
	exit    int // counts when done is closed
}

// Exit statuses of a process that a signal ended.
const (
	exitKilled     = 128 + 9
	exitTerminated = 128 + 15
)

// Program is what a built-in image runs for a container; nothing listens yet.
func Program(r *workload.Run, now func() time.Time, output io.Writer) (*sample.Backend, error) {
	program, ok := sample.Find(r.Container.Image)
	if !ok {
		return nil, errors.New("no built-in program for image " + r.Container.Image)
	}
	env := map[string]string{}
	for _, v := range r.Env {
		env[v.Name] = v.Value
	}
	return program(
		sample.Pod{
			Name: r.Name, Namespace: r.Namespace, IP: r.IP.String(), Node: r.Node, Zone: r.Zone, Cluster: r.Cluster,
			Project: r.Project,
		},
		sample.Container{
			Image: r.Container.Image, Args: slices.Concat(r.Container.Command, r.Container.Args), Env: env, Files: r.Files,
			Now: now, Output: output,
		})
}

func (k *Kubelet) startSample(r *workload.Run) (backend, error) {
	log := &process.Log{}
	running, err := Program(r, k.options.Now, log)
	if err != nil {
		return nil, err
	}
	b := &sampleBackend{log: log, ip: r.IP, ports: map[uint16]uint16{}, onTerm: running.OnTerm, done: make(chan struct{})}
	if err := b.serve(running, k.options.Logger); err != nil {
		b.close(0)
		return nil, err
	}
	if running.Exit != nil {
		go b.watch(running.Exit)
	}
	if running.Ends != nil {
		go b.end(*running.Ends)
	}
	return b, nil
}

func (b *sampleBackend) serve(running *sample.Backend, logger *slog.Logger) error {
	for _, port := range running.Ports {
		l, bound, err := listen(b.ip, port)
		if err != nil {
			return err
		}
		b.ports[port] = bound
		if running.Stream != nil {
			b.streams = append(b.streams, serveStreams(l, running.Stream, logger))
			continue
		}
		server := &http.Server{
			Handler: b.handler(running.Handler), IdleTimeout: idleTimeout, ReadHeaderTimeout: headerTimeout,
			Protocols: new(http.Protocols), TLSConfig: running.TLS[port], ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		}
		server.Protocols.SetHTTP1(true)
		server.Protocols.SetHTTP2(true)
		server.Protocols.SetUnencryptedHTTP2(true)
		b.servers = append(b.servers, server)
		// They return when the server is shut down.
		if server.TLSConfig != nil {
			go func() { _ = server.ServeTLS(l, "", "") }()
		} else {
			go func() { _ = server.Serve(l) }()
		}
	}
	return nil
}

// handler asks the clients of a backend that is leaving not to come back on the same connection.
func (b *sampleBackend) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.leaving.Load() && r.ProtoMajor == 1 {
			w.Header().Set("Connection", "close")
		}
		h.ServeHTTP(w, r)
	})
}

// watch ends the backend as a crash does when the program says so.
func (b *sampleBackend) watch(exit <-chan int) {
	select {
	case code := <-exit:
		b.close(code)
	case <-b.done:
	}
}

// end is a program that does nothing but take its time.
func (b *sampleBackend) end(o sample.Outcome) {
	timer := time.NewTimer(o.Sleep)
	defer timer.Stop()
	select {
	case <-timer.C:
		b.close(o.Exit)
	case <-b.done:
	}
}

// close cuts everything; the first exit status counts.
func (b *sampleBackend) close(exit int) {
	for _, s := range b.servers {
		_ = s.Close()
	}
	for _, s := range b.streams {
		s.close()
	}
	b.once.Do(func() {
		b.exit = exit
		close(b.done)
	})
}

func (b *sampleBackend) Done() <-chan struct{} { return b.done }

func (b *sampleBackend) Exit() (int, string) { return b.exit, "" }

func (b *sampleBackend) Ports() (map[uint16]uint16, netip.Addr) {
	moved := map[uint16]uint16{}
	for port, bound := range b.ports {
		if port != bound {
			moved[port] = bound
		}
	}
	return moved, netip.Addr{}
}

func (b *sampleBackend) Dial(port uint16) string {
	if bound, ok := b.ports[port]; ok {
		port = bound
	}
	return net.JoinHostPort(b.ip.String(), strconv.Itoa(int(port)))
}

func (b *sampleBackend) Leave() { b.leaving.Store(true) }

// Stop does what the program does on SIGTERM; it is killed when the context is done.
func (b *sampleBackend) Stop(ctx context.Context) {
	term := sample.TermFinish
	if b.onTerm != nil {
		term = b.onTerm()
	}
	switch term {
	case sample.TermQuit:
		b.close(exitTerminated)
	case sample.TermIgnore:
		select {
		case <-ctx.Done():
			b.close(exitKilled)
		case <-b.done:
		}
	case sample.TermFinish:
		exit := 0
		for _, s := range b.servers {
			if err := s.Shutdown(ctx); err != nil {
				exit = exitKilled
			}
		}
		b.close(exit)
	}
}

func (b *sampleBackend) Logs(from int64) ([]byte, int64) { return b.log.From(from) }

func (b *sampleBackend) LogsSince(at time.Time) int64 { return b.log.Since(at) }
