package http1

// Limits bound one message head and body. Zero fields mean the default.
type Limits struct {
	// HeaderBytes bounds the whole head. Default 60 KiB, at most the largest buffer (128 KiB).
	HeaderBytes int
	// HeaderCount bounds the fields of a head, and those of a trailer section. Default 100.
	HeaderCount int
	// TargetBytes bounds the request target. Default 8 KiB.
	TargetBytes int
	// BodyBytes bounds a body; 0 does not.
	BodyBytes int64
}

// Defaults, and bounds that are not configurable.
const (
	DefaultHeaderBytes = 60 << 10
	DefaultHeaderCount = 100
	DefaultTargetBytes = 8 << 10

	// A chunk-size line holds at most this many bytes, extensions included.
	maxChunkLine = 256
	// All extensions of one body together; a peer could otherwise send mostly nothing.
	maxExtensionBytes = 4 << 10
)

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	if l.HeaderBytes <= 0 {
		l.HeaderBytes = DefaultHeaderBytes
	}
	if l.HeaderCount <= 0 {
		l.HeaderCount = DefaultHeaderCount
	}
	if l.TargetBytes <= 0 {
		l.TargetBytes = DefaultTargetBytes
	}
	l.HeaderBytes = min(l.HeaderBytes, 127<<10)
	return l
}
