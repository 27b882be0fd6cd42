package plugin

// Stream is one request with its answer.
type Stream interface {
	// RequestHeaders and ResponseHeaders see heads; end says that no body follows.
	RequestHeaders(h Headers, end bool)
	ResponseHeaders(h Headers, end bool)
	// RequestBody and ResponseBody see bodies piece by piece; end says that the piece, which may be empty, is the last one.
	RequestBody(b Body, end bool)
	ResponseBody(b Body, end bool)
	// Done is told when all is over.
	Done()
}

// Pass is a Stream that does nothing. Others embed it.
type Pass struct{}

var _ Stream = Pass{}

// RequestHeaders implements Stream, as the others do.
func (Pass) RequestHeaders(Headers, bool) {}

// ResponseHeaders does nothing.
func (Pass) ResponseHeaders(Headers, bool) {}

// RequestBody does nothing.
func (Pass) RequestBody(Body, bool) {}

// ResponseBody does nothing.
func (Pass) ResponseBody(Body, bool) {}

// Done does nothing.
func (Pass) Done() {}

// Field is a header field.
type Field struct{ Name, Value string }

// Level is how grave a log record is.
type Level int32

// The levels.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
	Critical
)
