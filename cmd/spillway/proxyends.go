package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/memory"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// proxyEnds are what a proxy has beside its configuration, wherever that is from.
type proxyEnds struct {
	log       *slog.Logger
	out       io.Writer
	accessLog io.Writer
	tracer    *trace.Tracer
	before    *predecessor

	endTracing func()
}

// ends opens them; close closes them.
func (f *proxyFlags) ends(ctx context.Context, stdout, stderr io.Writer) (*proxyEnds, error) {
	e := &proxyEnds{log: slog.New(slog.NewTextHandler(stderr, nil)), out: stdout}
	var err error
	if e.accessLog, err = openAccessLog(f.accessLog, stdout); err != nil {
		return nil, err
	}
	if e.tracer, e.endTracing, err = f.tracing.open(ctx, f.region); err != nil {
		return nil, err
	}
	if e.before, err = takeOver(f.handover); err != nil {
		e.endTracing()
		return nil, err
	}
	memory.Follow(os.DirFS("/"))
	return e, nil
}

func (e *proxyEnds) close() {
	e.before.close()
	e.endTracing()
}

// tellAdmin says where metrics are, and warns if that is everywhere.
func (e *proxyEnds) tellAdmin(at net.Addr) {
	fmt.Fprintf(e.out, "admin http://%s\n", at)
	if !admin.OnLoopback(at) {
		e.log.Warn("metrics and profiles are open to everybody who can reach this address", "admin", at)
	}
}
