package wasm

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"
)

// The forms of property values on the ABI's wire; texts and bytes are as they are.

// Int is the form of a whole number.
func Int(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

// Double is the form of a number.
func Double(v float64) []byte { return binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)) }

// Bool is the form of a truth value.
func Bool(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

// Timestamp is the form of a time, Duration that of a span.
func Timestamp(t time.Time) []byte { return Int(t.UnixNano()) }

// Duration is in nanoseconds.
func Duration(d time.Duration) []byte { return Int(int64(d)) }

// Map is the form of a map, List that of a list of texts.
func Map(p Pairs) []byte { return p.append(nil) }

func getProperty(in *instance, a arguments) uint32 {
	path, good := in.view(a.u32(0), a.u32(1))
	if !good {
		return uint32(invalidMemoryAccess)
	}
	value, found := in.property(path)
	if !found {
		return uint32(notFound)
	}
	return uint32(in.give(value, a.u32(2), a.u32(3)))
}

// property: what the plugin itself is comes first, because guests ask for it before there is a stream.
func (in *instance) property(path []byte) ([]byte, bool) {
	path = bytes.TrimRight(path, "\x00")
	config := &in.plugin.config
	switch string(path) {
	case "plugin_name":
		return []byte(config.Name), true
	case "plugin_root_id":
		return []byte(config.RootID), true
	case "plugin_vm_id":
		return []byte(config.VMID), true
	}
	s := in.acting().stream
	if s == nil || len(path) == 0 {
		return nil, false
	}
	if v, found := s.own[string(path)]; found {
		return v, true
	}
	if in.ended(s) {
		return nil, false
	}
	return s.host.Property(string(path))
}

// ended says that the host of a stream is gone: the guest has put off its end.
func (in *instance) ended(s *Stream) bool { return s.ended && in.current != s.ctx }

const maxOwnProperties = 128

func setProperty(in *instance, a arguments) uint32 {
	path, good1 := in.text(a.u32(0), a.u32(1))
	value, good2 := in.view(a.u32(2), a.u32(3))
	s := in.acting().stream
	switch {
	case !good1 || !good2:
		return uint32(invalidMemoryAccess)
	case s == nil:
		return uint32(notFound)
	case len(s.own) >= maxOwnProperties:
		return uint32(internalFailure)
	}
	if s.own == nil {
		s.own = map[string][]byte{}
	}
	s.own[path] = bytes.Clone(value)
	return uint32(ok)
}
