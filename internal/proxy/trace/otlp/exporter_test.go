package otlp

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/trace"
)

// kept remembers what was sent.
type kept struct{ spans []sdktrace.ReadOnlySpan }

func (k *kept) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.spans = append(k.spans, spans...)
	return nil
}
func (*kept) Shutdown(context.Context) error { return nil }

func export(t *testing.T, traceparent string, data trace.SpanData) sdktrace.ReadOnlySpan {
	t.Helper()
	return exportAll(t, traceparent, data)[0]
}

// exportAll returns the request's span first, and those below it.
func exportAll(t *testing.T, traceparent string, data trace.SpanData) []sdktrace.ReadOnlySpan {
	t.Helper()
	sent := new(kept)
	tracer := newExporter(sent, Options{Instance: "p1"})
	h := new(header.Map)
	if traceparent != "" {
		h.AddID(header.Traceparent, []byte(traceparent))
	}
	decide := trace.New(trace.Options{Exporter: tracer, SampleRate: 1})
	var s trace.Span
	decide.Start(&s, h)
	decide.Finish(&s, data)
	if err := tracer.Close(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	if want := 1 + len(data.Extensions); len(sent.spans) != want {
		t.Fatalf("%d spans, want %d", len(sent.spans), want)
	}
	slices.Reverse(sent.spans) // the request's ends last
	if got := sent.spans[0].SpanContext().SpanID(); got != oteltrace.SpanID(s.Span) {
		t.Errorf("the backend got span %x, the collector %s", s.Span, got)
	}
	return sent.spans
}

func TestExtensionsAreSpansBelow(t *testing.T) {
	start := time.Unix(100, 0)
	spans := exportAll(t, "", trace.SpanData{
		Name: "GET /", Start: start, End: start.Add(time.Second), Status: 500,
		Extensions: []trace.ExtensionSpan{{
			Name: "chain/authn", Kind: "traffic", Service: "callout", Start: start.Add(time.Millisecond), End: start.Add(3 * time.Millisecond),
			Busy: 2 * time.Millisecond, Outcome: "failed", Failed: true, Fields: [][2]string{{"grpcStatus", "Unavailable"}},
		}},
	})
	request, got := spans[0], spans[1]
	if got.Parent().SpanID() != request.SpanContext().SpanID() || got.SpanContext().TraceID() != request.SpanContext().TraceID() {
		t.Errorf("parent %s of trace %s, want %v", got.Parent().SpanID(), got.SpanContext().TraceID(), request.SpanContext())
	}
	if !got.SpanContext().SpanID().IsValid() || got.SpanContext().SpanID() == request.SpanContext().SpanID() {
		t.Errorf("span %s", got.SpanContext().SpanID())
	}
	if got.Name() != "extension chain/authn" || got.EndTime().Sub(got.StartTime()) != 2*time.Millisecond || got.Status().Code != codes.Error {
		t.Errorf("%s from %v to %v: %v", got.Name(), got.StartTime(), got.EndTime(), got.Status())
	}
	want := attribute.String("spillway.extension.grpcStatus", "Unavailable")
	if !slices.Contains(got.Attributes(), want) {
		t.Errorf("attributes %v, want %v among them", got.Attributes(), want)
	}
}

func TestSpanJoinsTheCallersTrace(t *testing.T) {
	start := time.Unix(100, 0)
	got := export(t, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", trace.SpanData{
		Name: "GET /", Start: start, End: start.Add(time.Second), Status: 503, Details: "backend_timeout",
		BackendStart: start.Add(time.Millisecond), BackendEnd: start.Add(time.Second),
		Client: netip.MustParseAddrPort("10.0.0.1:1"), Endpoint: netip.MustParseAddrPort("10.0.0.2:2"),
	})
	if id := got.SpanContext().TraceID().String(); id != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace %s", id)
	}
	if id := got.Parent().SpanID().String(); id != "b7ad6b7169203331" {
		t.Errorf("parent %s", id)
	}
	if got.EndTime().Sub(got.StartTime()) != time.Second || got.SpanKind() != oteltrace.SpanKindServer {
		t.Errorf("from %v to %v, kind %v", got.StartTime(), got.EndTime(), got.SpanKind())
	}
	if got.Status().Description != "backend_timeout" || len(got.Events()) != 2 {
		t.Errorf("status %v, events %v", got.Status(), got.Events())
	}
}

func TestRootSpanHasNoParent(t *testing.T) {
	got := export(t, "", trace.SpanData{Name: "GET /", Start: time.Unix(1, 0), End: time.Unix(2, 0), Status: 200})
	if got.Parent().IsValid() || !got.SpanContext().TraceID().IsValid() {
		t.Errorf("parent %v, trace %v", got.Parent(), got.SpanContext().TraceID())
	}
}

func TestCollectorAwayIsNoError(t *testing.T) {
	e, err := New(t.Context(), Options{Endpoint: "127.0.0.1:1", Insecure: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(time.Second); err != nil {
		t.Error(err)
	}
}
