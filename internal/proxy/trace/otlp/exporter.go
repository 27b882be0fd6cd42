// Package otlp sends spans to an OpenTelemetry collector over gRPC.
//
// In: trace.SpanData of finished requests, through Export. Out: OTLP batches. It is the only package of the data plane
// that imports the OpenTelemetry SDK; a proxy without tracing never calls into it. Export queues and returns: spans
// that find the queue full are dropped by the SDK's batcher.
package otlp

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// Options of the exporter.
type Options struct {
	// Endpoint is the collector's host:port.
	Endpoint string
	// Insecure speaks gRPC without TLS.
	Insecure bool
	// Service is the service.name of the spans. Default "spillway".
	Service string
	// Instance tells proxies apart; empty leaves it out.
	Instance string
	// Queue is how many spans may wait. Default 2,048, as in the SDK.
	Queue int
}

// Exporter implements trace.Exporter.
type Exporter struct {
	provider *sdktrace.TracerProvider
	tracer   oteltrace.Tracer
}

var _ trace.Exporter = (*Exporter)(nil)

// New connects lazily: a collector that is away is no error.
func New(ctx context.Context, o Options) (*Exporter, error) {
	options := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(o.Endpoint)}
	if o.Insecure {
		options = append(options, otlptracegrpc.WithInsecure())
	}
	sender, err := otlptracegrpc.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("trace exporter for %s: %w", o.Endpoint, err)
	}
	return newExporter(sender, o), nil
}

func newExporter(sender sdktrace.SpanExporter, o Options) *Exporter {
	if o.Service == "" {
		o.Service = "spillway"
	}
	attributes := []attribute.KeyValue{attribute.String("service.name", o.Service)}
	if o.Instance != "" {
		attributes = append(attributes, attribute.String("service.instance.id", o.Instance))
	}
	var batch []sdktrace.BatchSpanProcessorOption
	if o.Queue > 0 {
		batch = append(batch, sdktrace.WithMaxQueueSize(o.Queue))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(sender, batch...),
		sdktrace.WithIDGenerator(given{}),
		// The proxy has decided already: only sampled requests come here.
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithResource(resource.NewSchemaless(attributes...)),
	)
	return &Exporter{provider: provider, tracer: provider.Tracer("spillway/proxy")}
}

// given hands the SDK the IDs that the request already carried to the backend.
type given struct{}

type contextKey struct{}

func (given) NewIDs(ctx context.Context) (oteltrace.TraceID, oteltrace.SpanID) {
	c, _ := ctx.Value(contextKey{}).(trace.Context)
	return oteltrace.TraceID(c.Trace), oteltrace.SpanID(c.Span)
}

func (g given) NewSpanID(ctx context.Context, _ oteltrace.TraceID) oteltrace.SpanID {
	_, span := g.NewIDs(ctx)
	return span
}

// Export queues one span.
func (e *Exporter) Export(d trace.SpanData) {
	ctx := context.WithValue(context.Background(), contextKey{}, d.Context)
	if d.Parent != (trace.SpanID{}) {
		ctx = oteltrace.ContextWithRemoteSpanContext(ctx, oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
			TraceID:    oteltrace.TraceID(d.Context.Trace),
			SpanID:     oteltrace.SpanID(d.Parent),
			TraceFlags: oteltrace.FlagsSampled,
			Remote:     true,
		}))
	}
	_, span := e.tracer.Start(ctx, d.Name,
		oteltrace.WithSpanKind(oteltrace.SpanKindServer),
		oteltrace.WithTimestamp(d.Start),
		oteltrace.WithAttributes(attributes(&d)...))
	if !d.BackendStart.IsZero() {
		span.AddEvent("backend.request", oteltrace.WithTimestamp(d.BackendStart))
		span.AddEvent("backend.response", oteltrace.WithTimestamp(d.BackendEnd))
	}
	if d.Status >= 500 || d.Status == 0 {
		span.SetStatus(codes.Error, d.Details)
	}
	for i := range d.Extensions {
		e.extension(d.Context, &d.Extensions[i])
	}
	span.End(oteltrace.WithTimestamp(d.End))
}

// extension queues the span of an extension below that of its request.
func (e *Exporter) extension(of trace.Context, x *trace.ExtensionSpan) {
	own := of
	own.Span = trace.NewSpanID()
	ctx := oteltrace.ContextWithSpanContext(context.WithValue(context.Background(), contextKey{}, own), oteltrace.NewSpanContext(oteltrace.SpanContextConfig{
		TraceID: oteltrace.TraceID(of.Trace), SpanID: oteltrace.SpanID(of.Span), TraceFlags: oteltrace.FlagsSampled,
	}))
	attributes := []attribute.KeyValue{
		attribute.String("spillway.extension.kind", x.Kind), attribute.String("spillway.extension.outcome", x.Outcome),
		attribute.Float64("spillway.extension.busy_ms", float64(x.Busy)/float64(time.Millisecond)),
	}
	if x.Service != "" {
		attributes = append(attributes, attribute.String("spillway.backend_service", x.Service))
	}
	for _, f := range x.Fields {
		attributes = append(attributes, attribute.String("spillway.extension."+f[0], f[1]))
	}
	_, span := e.tracer.Start(ctx, "extension "+x.Name,
		oteltrace.WithSpanKind(oteltrace.SpanKindClient), oteltrace.WithTimestamp(x.Start), oteltrace.WithAttributes(attributes...))
	if x.Failed {
		span.SetStatus(codes.Error, x.Outcome)
	}
	span.End(oteltrace.WithTimestamp(x.End))
}

// attributes uses the names of OpenTelemetry's HTTP conventions, and our own under "spillway.".
func attributes(d *trace.SpanData) []attribute.KeyValue {
	out := []attribute.KeyValue{
		attribute.String("http.request.method", d.Method),
		attribute.String("url.scheme", d.Scheme),
		attribute.String("server.address", d.Host),
		attribute.String("url.path", d.Path),
		attribute.String("user_agent.original", d.UserAgent),
		attribute.String("network.protocol.version", d.Protocol),
		attribute.Int("http.response.status_code", d.Status),
		attribute.String("http.route", d.Route),
		attribute.Int64("http.request.size", d.RequestBytes),
		attribute.Int64("http.response.size", d.ResponseBytes),
		attribute.String("spillway.status_details", d.Details),
		attribute.String("spillway.backend_service", d.BackendService),
		attribute.Int("spillway.attempts", d.Attempts),
	}
	if d.Client.IsValid() {
		out = append(out, attribute.String("client.address", d.Client.Addr().String()))
	}
	if d.Endpoint.IsValid() {
		out = append(out, attribute.String("spillway.endpoint", d.Endpoint.String()))
	}
	return out
}

// Close sends what is queued.
func (e *Exporter) Close(timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return e.provider.Shutdown(ctx)
}
