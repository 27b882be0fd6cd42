package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/spf13/pflag"

	"github.com/spillway-lb/spillway/internal/proxy/trace"
	"github.com/spillway-lb/spillway/internal/proxy/trace/otlp"
)

// tracing are the flags that say where spans go.
type tracing struct {
	endpoint string
	sample   float64
	insecure bool
	flags    *pflag.FlagSet
}

func (t *tracing) addFlags(flags *pflag.FlagSet) {
	t.flags = flags
	flags.StringVar(&t.endpoint, "trace-endpoint", "", "HOST:PORT of an OpenTelemetry collector (OTLP over gRPC); no traces without it")
	flags.Float64Var(&t.sample, "trace-sample", 0.01, "share of requests to trace, 0 to 1, where the caller has not decided")
	flags.BoolVar(&t.insecure, "trace-insecure", false, "speak to the collector without TLS; the default for a loopback address")
}

// flushTime bounds how long the last spans may take to leave.
const flushTime = 5 * time.Second

// open returns nil, which traces nothing, without an endpoint. end sends what is pending.
func (t *tracing) open(ctx context.Context, instance string) (tracer *trace.Tracer, end func(), err error) {
	if t.endpoint == "" {
		return nil, func() {}, nil
	}
	host, _, err := net.SplitHostPort(t.endpoint)
	if err != nil {
		return nil, nil, fmt.Errorf("--trace-endpoint is HOST:PORT, not %q", t.endpoint)
	}
	if !(t.sample >= 0 && t.sample <= 1) {
		return nil, nil, fmt.Errorf("--trace-sample is a number from 0 to 1, not %v", t.sample)
	}
	insecure := t.insecure
	if !t.flags.Changed("trace-insecure") {
		insecure = isLoopback(host)
	}
	exporter, err := otlp.New(context.WithoutCancel(ctx), otlp.Options{Endpoint: t.endpoint, Insecure: insecure, Instance: instance})
	if err != nil {
		return nil, nil, err
	}
	end = func() { _ = exporter.Close(flushTime) } // a collector that is away loses spans, no more
	return trace.New(trace.Options{SampleRate: t.sample, Exporter: exporter}), end, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
