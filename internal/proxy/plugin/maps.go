package plugin

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// The pseudo-header fields, in the order in which plugins see them.
var requestPseudo = [...]string{":method", ":scheme", ":authority", ":path"}

var requestPseudoNames = [...][]byte{[]byte(":method"), []byte(":scheme"), []byte(":authority"), []byte(":path")}

var statusName = []byte(":status")

// requestMap is a request's head in the ABI's view.
type requestMap struct{ q *extension.Request }

func newRequestMap(q *extension.Request) requestMap { return requestMap{q} }

var _ wasm.Headers = requestMap{}

// Len implements wasm.Headers, as the others do.
func (m requestMap) Len() int { return len(requestPseudo) + m.q.Len() }

// At gives the pseudo-header fields first.
func (m requestMap) At(i int) (name, value []byte) {
	switch i {
	case 0:
		value = m.q.Method()
	case 1:
		value = m.q.Scheme()
	case 2:
		value = m.q.Authority()
	case 3:
		value = m.q.Path()
	default:
		return m.q.At(i - len(requestPseudo))
	}
	return requestPseudoNames[i], value
}

// Set changes a field of either kind; host is the authority.
func (m requestMap) Set(name string, value []byte) error {
	switch name {
	case ":method":
		return m.q.SetMethod(value)
	case ":scheme":
		return m.q.SetScheme(value)
	case ":authority":
		return m.q.SetAuthority(value)
	case ":path":
		return m.q.SetPath(value)
	}
	return m.q.Set(name, value)
}

// Add appends a field; pseudo-header fields have one value.
func (m requestMap) Add(name string, value []byte) error {
	if isPseudo(name) {
		return m.Set(name, value)
	}
	return m.q.Add(name, value)
}

// Del removes a field; a request without a pseudo-header field is none.
func (m requestMap) Del(name string) error {
	if isPseudo(name) {
		return extension.ErrForbidden
	}
	return m.q.Del(name)
}

func isPseudo(name string) bool { return name != "" && name[0] == ':' }

// responseMap is an answer's head.
type responseMap struct {
	r      *extension.Response
	status *[3]byte
}

func newResponseMap(r *extension.Response) responseMap { return responseMap{r, new([3]byte)} }

var _ wasm.Headers = responseMap{}

// Len implements wasm.Headers, as the others do.
func (m responseMap) Len() int { return 1 + m.r.Len() }

// At gives the status first.
func (m responseMap) At(i int) (name, value []byte) {
	if i > 0 {
		return m.r.At(i - 1)
	}
	return statusName, strconv.AppendInt(m.status[:0], int64(m.r.Status()), 10)
}

// Set changes a field or the status.
func (m responseMap) Set(name string, value []byte) error {
	if name != ":status" {
		return m.r.Set(name, value)
	}
	status, err := strconv.Atoi(string(value))
	if err != nil {
		return extension.ErrInvalid
	}
	return m.r.SetStatus(status)
}

// Add appends a field.
func (m responseMap) Add(name string, value []byte) error {
	if isPseudo(name) {
		return m.Set(name, value)
	}
	return m.r.Add(name, value)
}

// Del removes a field.
func (m responseMap) Del(name string) error {
	if isPseudo(name) {
		return extension.ErrForbidden
	}
	return m.r.Del(name)
}
