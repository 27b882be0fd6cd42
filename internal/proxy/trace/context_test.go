package trace

import (
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

const (
	parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	cloud  = "0af7651916cd43dd8448eb211c80319c/13235353014750950193;o=1"
)

func headers(traceparent, cloud string) *header.Map {
	h := new(header.Map)
	if traceparent != "" {
		h.AddID(header.Traceparent, []byte(traceparent))
	}
	if cloud != "" {
		h.AddID(header.XCloudTraceContext, []byte(cloud))
	}
	return h
}

func TestExtract(t *testing.T) {
	for name, c := range map[string]struct {
		traceparent, cloud, want string
	}{
		"none":                  {"", "", ""},
		"w3c":                   {parent, "", parent},
		"cloud":                 {"", cloud, parent},
		"both":                  {"00-aaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", cloud, "00-aaf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"},
		"broken, then cloud":    {"00-x", cloud, parent},
		"other flags":           {parent[:53] + "fe", "", parent[:53] + "00"},
		"newer version":         {"01" + parent[2:] + "-more", "", parent},
		"newer, no separator":   {"01" + parent[2:] + "more", "", ""},
		"version 00 with more":  {parent + "-more", "", ""},
		"version ff":            {"ff" + parent[2:], "", ""},
		"upper case":            {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", ""},
		"zero trace":            {"00-00000000000000000000000000000000-b7ad6b7169203331-01", "", ""},
		"zero span":             {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "", ""},
		"not hex":               {"00-0gf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "", ""},
		"cloud, trace only":     {"", cloud[:32], "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00"},
		"cloud, no options":     {"", cloud[:32] + "/1", "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00"},
		"cloud, not sampled":    {"", cloud[:32] + "/1;o=0", "00-0af7651916cd43dd8448eb211c80319c-0000000000000001-00"},
		"cloud, span too large": {"", cloud[:32] + "/18446744073709551616", ""},
		"cloud, junk":           {"", cloud[:32] + "/1;x", ""},
		"cloud, short":          {"", "abc", ""},
	} {
		got, ok := Extract(headers(c.traceparent, c.cloud))
		text := ""
		if ok {
			text = string(got.AppendTraceparent(nil))
		}
		if text != c.want {
			t.Errorf("%s: got %q, want %q", name, text, c.want)
		}
	}
}

type collector struct{ spans []SpanData }

func (c *collector) Export(s SpanData)       { c.spans = append(c.spans, s) }
func (*collector) Close(time.Duration) error { return nil }

func TestSpanIsAChildOfTheCallers(t *testing.T) {
	out := new(collector)
	tracer := New(Options{Exporter: out})
	h := headers(parent, "")
	h.AddID(header.Tracestate, []byte("a=b"))
	var s Span
	tracer.Start(&s, h)
	s.Inject(h)
	tracer.Finish(&s, SpanData{Status: 200})
	if len(out.spans) != 1 || out.spans[0].Parent.hex() != "b7ad6b7169203331" {
		t.Fatalf("got %+v", out.spans)
	}
	for _, id := range []header.ID{header.Traceparent, header.XCloudTraceContext} {
		if h.Count(id) != 1 {
			t.Errorf("%d fields %s", h.Count(id), id.Name())
		}
		value, _ := h.Get(id)
		sent, ok := Extract(headers(map[bool]string{true: string(value)}[id == header.Traceparent], map[bool]string{true: string(value)}[id != header.Traceparent]))
		if !ok || sent != out.spans[0].Context || sent.Span == out.spans[0].Parent {
			t.Errorf("%s is %q", id.Name(), value)
		}
	}
	if _, ok := h.Get(header.Tracestate); !ok {
		t.Error("tracestate is lost")
	}
}

func (id SpanID) hex() string {
	c := Context{Span: id}
	return string(c.AppendTraceparent(nil)[36:52])
}

func TestSampling(t *testing.T) {
	unsampled := parent[:53] + "00"
	for name, c := range map[string]struct {
		traceparent string
		rate        float64
		ignore      bool
		want        bool
	}{
		"root, all":             {"", 1, false, true},
		"root, none":            {"", 0, false, false},
		"the caller decides":    {unsampled, 1, false, false},
		"the caller is ignored": {unsampled, 1, true, true},
		"ignored and none":      {parent, 0, true, false},
	} {
		tracer := New(Options{Exporter: new(collector), SampleRate: c.rate, IgnoreParent: c.ignore})
		h := headers(c.traceparent, "")
		h.AddID(header.Tracestate, []byte("a=b"))
		var s Span
		tracer.Start(&s, h)
		s.Inject(h)
		if tracer.Recording(&s) != c.want {
			t.Errorf("%s: %t", name, !c.want)
		}
		if _, ok := h.Get(header.Tracestate); ok != (c.traceparent != "") {
			t.Errorf("%s: tracestate %t", name, ok)
		}
	}
}

func TestOffChangesNothing(t *testing.T) {
	tracer := New(Options{})
	h := headers(parent, "")
	var s Span
	tracer.Start(&s, h)
	s.Inject(h)
	tracer.Finish(&s, SpanData{})
	if got, _ := h.Get(header.Traceparent); string(got) != parent || h.Len() != 1 {
		t.Errorf("got %q, %d fields", got, h.Len())
	}
	if string(s.AppendTraceparent(nil)) != parent {
		t.Error("the access log would not see the trace")
	}
}

func BenchmarkOff(b *testing.B) {
	h := headers("", "")
	var t *Tracer
	var s Span
	b.ReportAllocs()
	for b.Loop() {
		t.Start(&s, h)
		s.Inject(h)
	}
}

func BenchmarkUnsampled(b *testing.B) {
	t := New(Options{Exporter: new(collector)})
	h := headers(parent[:53]+"00", "")
	var s Span
	b.ReportAllocs()
	for b.Loop() {
		t.Start(&s, h)
		s.Inject(h)
	}
}

func FuzzExtract(f *testing.F) {
	f.Add(parent, cloud)
	f.Fuzz(func(t *testing.T, w3c, google string) {
		c, ok := Extract(headers(w3c, google))
		if ok != c.Valid() && ok {
			t.Fatal("an invalid context was taken")
		}
	})
}
