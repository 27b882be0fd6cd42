package plugin

import "unsafe"

const (
	mapRequest  = 0
	mapResponse = 2

	bufferConfiguration = 7
)

// text shows bytes as a string to the host.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Log adds a record to the load balancer's log.
func Log(l Level, message string) { hostLog(int32(l), message) }

// Headers are the fields of a head. Those of the protocol are among them: :method, :path, :authority and :scheme of a request, :status
// of an answer.
type Headers struct{ m uint32 }

// Get is the value of a field; several of one name are one, with commas between.
func (h Headers) Get(name string) (string, bool) {
	var at, n uint32
	if hostGetField(h.m, name, &at, &n) != 0 {
		return "", false
	}
	return string(take(at, n)), true
}

// All are all fields.
func (h Headers) All() []Field {
	var at, n uint32
	if hostGetFields(h.m, &at, &n) != 0 {
		return nil
	}
	return decode(take(at, n))
}

// Set replaces a field, or adds it. What a plugin must not change stays as it is.
func (h Headers) Set(name, value string) { hostSetField(h.m, name, value) }

// Add adds a value to a field.
func (h Headers) Add(name, value string) { hostAddField(h.m, name, value) }

// Del removes a field.
func (h Headers) Del(name string) { hostDelField(h.m, name) }

// Body is a piece of a body.
type Body struct{ buffer, size uint32 }

// Bytes are a copy of the piece.
func (b Body) Bytes() []byte {
	var at, n uint32
	if hostGetBuffer(b.buffer, 0, b.size, &at, &n) != 0 {
		return nil
	}
	return take(at, n)
}

// Set replaces the piece.
func (b Body) Set(p []byte) { hostSetBuffer(b.buffer, 0, ^uint32(0), text(p)) }

var replied bool // since it was cleared

// Reply answers the request instead of the backend. It works in RequestHeaders, RequestBody and ResponseHeaders, and behind a Call.
func Reply(status int, body []byte, fields ...Field) bool {
	replied = hostReply(uint32(status), "", text(body), text(encode(fields)), -1) == 0
	return replied
}

// Property is what the load balancer knows by a path such as "request", "path". Numbers are eight bytes, the lowest first.
func Property(path ...string) ([]byte, bool) {
	var whole []byte
	for i, segment := range path {
		if i > 0 {
			whole = append(whole, 0)
		}
		whole = append(whole, segment...)
	}
	var at, n uint32
	if hostProperty(text(whole), &at, &n) != 0 {
		return nil, false
	}
	return take(at, n), true
}
