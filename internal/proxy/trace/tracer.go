package trace

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// Options of a Tracer.
type Options struct {
	// SampleRate, 0..1, decides for requests that arrive without a decision of their caller.
	SampleRate float64
	// IgnoreParent makes the proxy decide also where the caller has, for callers that are not trusted.
	IgnoreParent bool
	Exporter     Exporter
}

// Exporter takes finished spans. It must not block.
type Exporter interface {
	Export(SpanData)
	// Close sends what is pending, for at most the given time.
	Close(timeout time.Duration) error
}

// Tracer decides which requests are traced. nil traces none.
type Tracer struct {
	options Options
	below   uint64
}

// New makes a tracer. Without an exporter it is nil: off.
func New(o Options) *Tracer {
	if o.Exporter == nil {
		return nil
	}
	rate := min(max(o.SampleRate, 0), 1)
	return &Tracer{options: o, below: uint64(rate * (1 << 32))}
}

// Span is the proxy's part of one request's trace. Its zero value is no trace.
type Span struct {
	// Context is what backends get: the trace of the caller and, with tracing on, our own span.
	Context
	// Parent is the caller's span, zero at the root.
	Parent SpanID
	// own says that the context is this proxy's, so that headers must be written.
	own bool
	// text is where the header values live, for as long as the request.
	text [traceparentLength + 32 + 1 + 20 + 4]byte
}

// SpanData is a finished span.
type SpanData struct {
	Name       string // "GET /route" or the gRPC method
	Context    Context
	Parent     SpanID
	Start, End time.Time
	Method     string
	Scheme     string
	Host       string
	Path       string
	UserAgent  string
	Protocol   string // "1.1", "2"
	Status     int
	// Details is the access log's statusDetails.
	Details        string
	BackendService string
	Route          string
	Client         netip.AddrPort
	Endpoint       netip.AddrPort
	Attempts       int
	RequestBytes   int64
	ResponseBytes  int64
	BackendStart   time.Time
	BackendEnd     time.Time
	// Extensions are those that the exchange passed, each a span below this one.
	Extensions []ExtensionSpan
}

// ExtensionSpan is what one extension had to do with an exchange.
type ExtensionSpan struct {
	// Name is CHAIN/NAME, Kind route or traffic, Service the backend service of a callout.
	Name, Kind, Service string
	// Start and End are of its first and its last call; in between it was busy for Busy.
	Start, End time.Time
	Busy       time.Duration
	Outcome    string
	Failed     bool
	// Fields are what the access log has of it: names and values.
	Fields [][2]string
}

// NewSpanID makes the ID of a span below another.
func NewSpanID() (id SpanID) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1)
	return id
}

// Start reads the caller's context into the span and, with tracing on, begins our own span in it.
func (t *Tracer) Start(s *Span, h *header.Map) {
	*s = Span{}
	parent, ok := Extract(h)
	if t == nil {
		if ok {
			s.Context = parent
		}
		return
	}
	s.own = true
	if ok {
		s.Context, s.Parent = parent, parent.Span
	} else {
		binary.BigEndian.PutUint64(s.Trace[:8], rand.Uint64()|1)
		binary.BigEndian.PutUint64(s.Trace[8:], rand.Uint64())
	}
	if !ok || t.options.IgnoreParent {
		s.Sampled = uint64(rand.Uint32()) < t.below
	}
	binary.BigEndian.PutUint64(s.Span[:], rand.Uint64()|1)
}

// Inject writes the headers that the backend gets. Without a tracer nothing changes: the caller's pass. The span must
// outlive the headers.
func (s *Span) Inject(h *header.Map) {
	if !s.own {
		return
	}
	parent := s.AppendTraceparent(s.text[:0])
	if s.Parent == (SpanID{}) {
		// A new trace: another trace's state does not belong to it.
		h.Del(header.Tracestate)
	}
	h.SetID(header.Traceparent, parent)
	cloud := s.appendCloud(s.text[len(parent):len(parent)])
	h.SetID(header.XCloudTraceContext, cloud)
}

// appendCloud appends Google's form: TRACE_ID/SPAN_ID;o=OPTIONS.
func (s *Span) appendCloud(b []byte) []byte {
	const digits = "0123456789abcdef"
	for _, c := range s.Trace {
		b = append(b, digits[c>>4], digits[c&15])
	}
	b = append(b, '/')
	b = strconv.AppendUint(b, binary.BigEndian.Uint64(s.Span[:]), 10)
	if s.Sampled {
		return append(b, ";o=1"...)
	}
	return append(b, ";o=0"...)
}

// Recording says whether Finish will export; building SpanData for others is a waste.
func (t *Tracer) Recording(s *Span) bool { return t != nil && s.Sampled }

// Finish exports a span whose request has ended. Context and Parent are filled in.
func (t *Tracer) Finish(s *Span, data SpanData) {
	if !t.Recording(s) {
		return
	}
	data.Context, data.Parent = s.Context, s.Parent
	t.options.Exporter.Export(data)
}
