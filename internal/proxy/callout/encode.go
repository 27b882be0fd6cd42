package callout

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// Numbers of fields of envoy.service.ext_proc.v3 and of envoy.config.core.v3. Messages to the callout are written by hand: a
// header callout would else build an object for each field of a request. encode_test.go reads them with the generated types.
const (
	numRequestHeaders   = 2
	numResponseHeaders  = 3
	numRequestBody      = 4
	numResponseBody     = 5
	numRequestTrailers  = 6
	numResponseTrailers = 7
	numObservability    = 10

	numHeadersMap = 1 // HttpHeaders.headers, HttpTrailers.trailers
	numHeadersEnd = 3 // HttpHeaders.end_of_stream
	numBody       = 1 // HttpBody.body
	numBodyEnd    = 2 // HttpBody.end_of_stream
	numMapHeaders = 1 // HeaderMap.headers
	numValueKey   = 1 // HeaderValue.key
	numValueRaw   = 3 // HeaderValue.raw_value
)

func numberOf(s side, p part) protowire.Number {
	n := protowire.Number(numRequestHeaders)
	switch p {
	case chunk, ending:
		n = numRequestBody
	case tail:
		n = numRequestTrailers
	}
	if s == response {
		n++
	}
	return n
}

// fieldList is what of a message's fields is sent.
type fieldList interface {
	Len() int
	At(i int) (name, value []byte)
}

// selected are the fields of a list whose names are in only; nil takes all.
type selected struct {
	fieldList
	only map[string]bool
}

func (f selected) takes(name []byte) bool { return f.only == nil || f.only[string(name)] }

// pair is a pseudo-header.
type pair struct {
	name  string
	value []byte
}

// appendFields appends a HeaderMap with its tag.
func appendFields(dst []byte, pseudo []pair, f selected) []byte {
	size := 0
	for _, p := range pseudo {
		if f.only == nil || f.only[p.name] {
			size += sizeNested(sizeValue(len(p.name), len(p.value)))
		}
	}
	for i := range f.Len() {
		if name, value := f.At(i); f.takes(name) {
			size += sizeNested(sizeValue(len(name), len(value)))
		}
	}
	dst = protowire.AppendTag(dst, numHeadersMap, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	for _, p := range pseudo {
		if f.only == nil || f.only[p.name] {
			dst = appendValue(dst, p.name, p.value)
		}
	}
	for i := range f.Len() {
		if name, value := f.At(i); f.takes(name) {
			dst = appendValue(dst, name, value)
		}
	}
	return dst
}

// sizeNested is that of a message of n bytes in a field below 16.
func sizeNested(n int) int { return 1 + protowire.SizeBytes(n) }

func sizeValue(name, value int) int { return sizeNested(name) + sizeNested(value) }

func appendValue[T ~string | ~[]byte](dst []byte, name T, value []byte) []byte {
	dst = protowire.AppendTag(dst, numMapHeaders, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(sizeValue(len(name), len(value))))
	dst = protowire.AppendTag(dst, numValueKey, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(len(name)))
	dst = append(dst, name...)
	dst = protowire.AppendTag(dst, numValueRaw, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(len(value)))
	return append(dst, value...)
}

// appendNested appends a field whose content body appends. Its length takes five bytes, whatever it is.
func appendNested(dst []byte, n protowire.Number, body func(dst []byte) []byte) []byte {
	dst = protowire.AppendTag(dst, n, protowire.BytesType)
	at := len(dst)
	dst = body(append(dst, 0x80, 0x80, 0x80, 0x80, 0))
	for i, v := at, uint64(len(dst)-at-5); i < at+5; i, v = i+1, v>>7 {
		dst[i] = dst[i]&0x80 | byte(v&0x7f)
	}
	return dst
}

func appendTrue(dst []byte, n protowire.Number) []byte {
	return protowire.AppendVarint(protowire.AppendTag(dst, n, protowire.VarintType), 1)
}

// appendHead appends the headers of a side.
func appendHead(dst []byte, s side, pseudo []pair, f selected, last bool) []byte {
	return appendNested(dst, numberOf(s, head), func(dst []byte) []byte {
		dst = appendFields(dst, pseudo, f)
		if last {
			dst = appendTrue(dst, numHeadersEnd)
		}
		return dst
	})
}

// appendChunk appends a piece of a side's body.
func appendChunk(dst []byte, s side, p []byte, last bool) []byte {
	size := sizeNested(len(p))
	if last {
		size += 2
	}
	dst = protowire.AppendTag(dst, numberOf(s, chunk), protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	dst = protowire.AppendTag(dst, numBody, protowire.BytesType)
	dst = protowire.AppendBytes(dst, p)
	if last {
		dst = appendTrue(dst, numBodyEnd)
	}
	return dst
}

// appendTail appends the trailers of a side.
func appendTail(dst []byte, s side, f selected) []byte {
	return appendNested(dst, numberOf(s, tail), func(dst []byte) []byte { return appendFields(dst, nil, f) })
}
