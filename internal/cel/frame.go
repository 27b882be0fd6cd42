package cel

import "sync"

// frame is one evaluation: what is asked, and room for texts that are made on the way.
type frame struct {
	a       Attributes
	scratch []byte
}

// maxKept bounds what a frame keeps of one evaluation's room for the next, in bytes.
const maxKept = 64 << 10

var frames = sync.Pool{New: func() any { return &frame{scratch: make([]byte, 0, 512)} }}

func (f *frame) release() {
	f.a = nil
	if f.scratch = f.scratch[:0]; cap(f.scratch) <= maxKept {
		frames.Put(f)
	}
}

// since is what was appended to the scratch from n on. It stays good when the scratch grows.
func (f *frame) since(n int) []byte { return f.scratch[n:len(f.scratch):len(f.scratch)] }

func (f *frame) string(s string) []byte {
	n := len(f.scratch)
	f.scratch = append(f.scratch, s...)
	return f.since(n)
}

func (f *frame) present(s string) ([]byte, bool) { return f.string(s), s != "" }

// lower is a text with the letters of ASCII in lower case: itself if it has no others.
func (f *frame) lower(s []byte) []byte {
	for _, c := range s {
		if 'A' <= c && c <= 'Z' {
			n := len(f.scratch)
			f.scratch = lowered(f.scratch, s)
			return f.since(n)
		}
	}
	return s
}
