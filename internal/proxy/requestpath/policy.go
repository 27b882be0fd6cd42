package requestpath

import (
	"bytes"
	"errors"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Policy is the compiled part of a RequestPolicy that is about paths.
type Policy struct {
	repeatedSlashes, backslashes, unreserved, encodedSlashes, dotParameters lbv1.RequestPolicy_Reading
}

// Compile fills in what is not set. nil is all defaults.
func Compile(p *lbv1.RequestPolicy) Policy {
	or := func(r, otherwise lbv1.RequestPolicy_Reading) lbv1.RequestPolicy_Reading {
		if r == lbv1.RequestPolicy_READING_UNSPECIFIED {
			return otherwise
		}
		return r
	}
	return Policy{
		repeatedSlashes: or(p.GetRepeatedSlashes(), lbv1.RequestPolicy_LIBERAL),
		backslashes:     or(p.GetBackslashes(), lbv1.RequestPolicy_LIBERAL),
		unreserved:      or(p.GetEncodedUnreserved(), lbv1.RequestPolicy_LIBERAL),
		encodedSlashes:  or(p.GetEncodedSlashes(), lbv1.RequestPolicy_LITERAL),
		dotParameters:   or(p.GetDotSegmentParameters(), lbv1.RequestPolicy_LIBERAL),
	}
}

// ErrRejected: the path is written in a way that the policy does not take.
var ErrRejected = errors.New("requestpath: the policy rejects how the path is written")

// Reading is what becomes of a target.
type Reading struct {
	// Sent is for the backend, Matched for rules and for rewrites of what they matched. Both have the query.
	Sent, Matched []byte
}

// Read reads a target in origin form that has no dot segments any more; others ("*") stay as they are. The target is not changed; what
// has to be built is allocated, which only happens for paths that are written oddly.
func (p *Policy) Read(target []byte) (Reading, error) {
	path := target
	if i := bytes.IndexByte(target, '?'); i >= 0 {
		path = target[:i]
	}
	if plain(path) {
		return Reading{target, target}, nil
	}
	sent, err := p.rewrite(path, lbv1.RequestPolicy_NORMALIZE)
	if err != nil {
		return Reading{}, err
	}
	matched, err := p.rewrite(path, lbv1.RequestPolicy_LIBERAL)
	query := target[len(path):]
	return Reading{withQuery(target, path, sent, query), withQuery(target, path, matched, query)}, err
}

// withQuery spares the copy if nothing was rewritten.
func withQuery(target, path, rewritten, query []byte) []byte {
	if bytes.Equal(path, rewritten) {
		return target
	}
	return append(rewritten, query...)
}

// plain: no byte that could make a path be read in two ways. Most paths are.
func plain(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return true
	}
	last := byte(0)
	for _, c := range path {
		if c == '%' || c == '\\' || c == ';' || c == '/' && last == '/' {
			return false
		}
		last = c
	}
	return true
}

// rewrite makes the path that follows if every treatment from the weakest on is carried out: with LIBERAL that is LIBERAL and NORMALIZE.
func (p *Policy) rewrite(path []byte, weakest lbv1.RequestPolicy_Reading) ([]byte, error) {
	w := writer{out: make([]byte, 0, len(path)), weakest: weakest}
	for i := 0; i < len(path); {
		c, size := decode(path[i:])
		switch encoded := size > 1; {
		case c == '\\' && !encoded:
			w.put(p.backslashes, '/', path[i:i+1])
		case c == '/' && !encoded && i > 0 && len(w.out) > 0 && w.out[len(w.out)-1] == '/':
			w.skip(p.repeatedSlashes, path[i:i+1])
		case encoded && (c == '/' || c == '\\'):
			w.put(p.encodedSlashes, '/', path[i:i+size])
		case encoded && unreserved(c):
			w.put(p.unreserved, c, path[i:i+size])
		default:
			w.keep(path[i : i+size])
		}
		i += size
	}
	w.cutParameters(p.dotParameters)
	if w.rejected {
		return nil, ErrRejected
	}
	return Normalize(p.merged(w.out, weakest)), nil
}

// merged takes out the slashes that are repeated only since others were read as slashes.
func (p *Policy) merged(path []byte, weakest lbv1.RequestPolicy_Reading) []byte {
	if !carriedOut(p.repeatedSlashes, weakest) {
		return path
	}
	out := path[:0]
	for _, c := range path {
		if c != '/' || len(out) == 0 || out[len(out)-1] != '/' {
			out = append(out, c)
		}
	}
	return out
}

func carriedOut(r, weakest lbv1.RequestPolicy_Reading) bool {
	return r >= weakest && r != lbv1.RequestPolicy_REJECT
}

// decode reads one byte, which may be percent-encoded in three.
func decode(p []byte) (c byte, size int) {
	if p[0] != '%' || len(p) < 3 {
		return p[0], 1
	}
	hi, ok := hex(p[1])
	lo, ok2 := hex(p[2])
	if !ok || !ok2 {
		return p[0], 1
	}
	return hi<<4 | lo, 3
}

func hex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// unreserved characters mean the same whether they are encoded or not (RFC 3986 section 2.3).
func unreserved(c byte) bool {
	switch {
	case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
		return true
	}
	return false
}

// writer builds a path.
type writer struct {
	out      []byte
	weakest  lbv1.RequestPolicy_Reading
	rejected bool
}

// put writes one byte for what was written, or what was written.
func (w *writer) put(r lbv1.RequestPolicy_Reading, c byte, written []byte) {
	w.rejected = w.rejected || r == lbv1.RequestPolicy_REJECT
	if carriedOut(r, w.weakest) {
		w.out = append(w.out, c)
	} else {
		w.keep(written)
	}
}

// keep writes what was written. Rules see the digits of what is encoded in capitals: %c3 is %C3 (RFC 3986 section 6.2.2.1).
func (w *writer) keep(written []byte) {
	if w.weakest == lbv1.RequestPolicy_LIBERAL && len(written) > 1 {
		w.out = append(w.out, bytes.ToUpper(written)...)
		return
	}
	w.out = append(w.out, written...)
}

// skip leaves out what was written, or writes it.
func (w *writer) skip(r lbv1.RequestPolicy_Reading, written []byte) {
	w.rejected = w.rejected || r == lbv1.RequestPolicy_REJECT
	if !carriedOut(r, w.weakest) {
		w.keep(written)
	}
}

// cutParameters makes "/..;x" of a segment "/..". Parameters of other segments are data.
func (w *writer) cutParameters(r lbv1.RequestPolicy_Reading) {
	if bytes.IndexByte(w.out, ';') < 0 {
		return
	}
	out := make([]byte, 0, len(w.out))
	for i, segment := range bytes.Split(w.out, []byte{'/'}) {
		if i > 0 {
			out = append(out, '/')
		}
		name, _, has := bytes.Cut(segment, []byte{';'})
		if has && dots(name) != 0 {
			w.rejected = w.rejected || r == lbv1.RequestPolicy_REJECT
			if carriedOut(r, w.weakest) {
				segment = name
			}
		}
		out = append(out, segment...)
	}
	w.out = out
}
