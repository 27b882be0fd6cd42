package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

// maxConnectionOptions bounds the names in Connection, close and the like not counted.
const maxConnectionOptions = 8

// framing collects what the fields say about where the body ends and what becomes of the connection.
type framing struct {
	length     int64 // of Content-Length
	hasLength  bool
	chunked    bool
	close      bool // Connection: close
	keepAlive  bool // Connection: keep-alive
	upgrade    bool // Connection: upgrade
	teTrailers bool
	expect     bool
	listed     int // other names in Connection
	hosts      int
	host       []byte
	protocol   []byte // of Upgrade
	hopByHop   bool   // there is something to delete
}

// read looks at every field once. major.minor 1.0 is http10.
func (f *framing) read(m *header.Map, http10 bool, of kind) *Refusal {
	var codings int
	for i := range m.Len() {
		line := m.At(i)
		switch line.ID {
		case header.Host:
			f.hosts++
			f.host = line.Value
		case header.ContentLength:
			if f.hasLength {
				return errLengths
			}
			n, ok := field.ParseLength(line.Value)
			if !ok {
				return errLength
			}
			f.length, f.hasLength = n, true
		case header.TransferEncoding:
			codings++
			if bad := f.readCoding(line.Value); bad != nil {
				return bad
			}
		case header.Connection:
			f.hopByHop = true
			f.readConnection(line.Value)
		case header.Upgrade:
			f.hopByHop = true
			if f.protocol == nil {
				f.protocol = line.Value
			}
		case header.TE:
			f.hopByHop = true
			f.teTrailers = f.teTrailers || hasElement(line.Value, "trailers")
		case header.KeepAlive, header.ProxyConnection, header.HTTP2Settings:
			f.hopByHop = true
		case header.Expect:
			if of == ofAnswer {
				continue // it means nothing there
			}
			if f.expect = field.EqualFold(line.Value, "100-continue"); !f.expect {
				return errExpect
			}
		}
	}
	switch {
	case f.listed > maxConnectionOptions:
		return errConnectionList
	case codings > 1:
		return errCodings
	case codings == 1 && f.hasLength:
		return errLengthAndCoding
	case codings == 1 && http10:
		return errCodingVersion
	}
	return nil
}

// readCoding accepts "chunked" and nothing else. Codings that exist and would need decoding are a 501, everything else,
// which may be meant to look like chunked to somebody, is a 400.
func (f *framing) readCoding(value []byte) *Refusal {
	if field.EqualFold(value, "chunked") {
		f.chunked = true
		return nil
	}
	if n := len(value); n == 0 || value[0] == ',' || value[n-1] == ',' {
		return errCoding
	}
	last, known := []byte(nil), true
	for list := value; ; {
		element, rest, done := field.NextElement(list)
		if done {
			break
		}
		known = known && (field.EqualFold(element, "gzip") || field.EqualFold(element, "x-gzip") || field.EqualFold(element, "deflate") ||
			field.EqualFold(element, "compress") || field.EqualFold(element, "x-compress") || field.EqualFold(element, "chunked") && len(rest) == 0)
		last, list = element, rest
	}
	if known && field.EqualFold(last, "chunked") {
		return errCodingUnknown
	}
	return errCoding
}

func (f *framing) readConnection(value []byte) {
	for list := value; ; {
		element, rest, done := field.NextElement(list)
		switch {
		case done:
			return
		case field.EqualFold(element, "close"):
			f.close = true
		case field.EqualFold(element, "keep-alive"):
			f.keepAlive = true
		case field.EqualFold(element, "upgrade"):
			f.upgrade = true
		case field.EqualFold(element, "te"):
		default:
			f.listed++
		}
		list = rest
	}
}

// strip deletes the hop-by-hop fields, and Transfer-Encoding, which is the codec's business.
func (f *framing) strip(m *header.Map) {
	if f.chunked {
		m.Del(header.TransferEncoding)
	}
	if !f.hopByHop {
		return
	}
	if f.listed > 0 {
		f.stripListed(m)
	}
	m.Del(header.Connection)
	m.Del(header.KeepAlive)
	m.Del(header.ProxyConnection)
	m.Del(header.Upgrade)
	m.Del(header.HTTP2Settings)
	m.Del(header.TE)
	if f.teTrailers {
		m.AddID(header.TE, trailersValue)
	}
}

var trailersValue = []byte("trailers")

// stripListed deletes what Connection names (RFC 9110 section 7.6.1), but for what frames and routes the message.
func (f *framing) stripListed(m *header.Map) {
	var names [maxConnectionOptions][]byte
	n := 0
	for i := range m.Len() {
		if m.At(i).ID != header.Connection {
			continue
		}
		for list := m.At(i).Value; n < f.listed; {
			element, rest, done := field.NextElement(list)
			if done {
				break
			}
			list = rest
			if isOption(element) {
				continue
			}
			names[n] = element
			n++
		}
	}
	for _, name := range names[:n] {
		field.Lower(name)
		if id := header.Lookup(name); id != header.ContentLength && id != header.Host {
			m.DelName(name)
		}
	}
}

// isOption tells the options of Connection that are not names of fields.
func isOption(element []byte) bool {
	return field.EqualFold(element, "close") || field.EqualFold(element, "keep-alive") || field.EqualFold(element, "upgrade") || field.EqualFold(element, "te")
}

// hasElement reports whether a comma-separated list has an element; parameters (;q=) are ignored.
func hasElement(list []byte, want string) bool {
	for {
		element, rest, done := field.NextElement(list)
		if done {
			return false
		}
		if i := bytes.IndexByte(element, ';'); i >= 0 {
			element = field.Trim(element[:i])
		}
		if field.EqualFold(element, want) {
			return true
		}
		list = rest
	}
}
