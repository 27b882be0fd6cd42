package http2

import (
	"encoding/binary"

	xhttp2 "golang.org/x/net/http2"
)

// The wire format of RFC 9113 section 4 and 6. Frames are parsed in place in the read buffer and appended straight to
// the output buffer: x/net's Framer, which was the start, copies every payload once more and allocates a frame value
// for all types but DATA (BenchmarkFrames prints both).

type frameType = xhttp2.FrameType

const (
	frameData         = xhttp2.FrameData
	frameHeaders      = xhttp2.FrameHeaders
	framePriority     = xhttp2.FramePriority
	frameRSTStream    = xhttp2.FrameRSTStream
	frameSettings     = xhttp2.FrameSettings
	framePushPromise  = xhttp2.FramePushPromise
	framePing         = xhttp2.FramePing
	frameGoAway       = xhttp2.FrameGoAway
	frameWindowUpdate = xhttp2.FrameWindowUpdate
	frameContinuation = xhttp2.FrameContinuation
)

type frameFlags = xhttp2.Flags

const (
	flagEndStream  = xhttp2.FlagDataEndStream
	flagAck        = xhttp2.FlagSettingsAck
	flagEndHeaders = xhttp2.FlagHeadersEndHeaders
	flagPadded     = xhttp2.FlagDataPadded
	flagPriority   = xhttp2.FlagHeadersPriority
)

const (
	frameHeaderLen = 9
	// maxFrameLen is the largest payload we take: the protocol's default, which we do not raise, so that one stream
	// cannot keep the others waiting for long.
	maxFrameLen = 16384
	preface     = xhttp2.ClientPreface
)

type frameHeader struct {
	length uint32
	stream uint32
	typ    frameType
	flags  frameFlags
}

func parseFrameHeader(p []byte) frameHeader {
	return frameHeader{
		length: uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]),
		typ:    frameType(p[3]),
		flags:  frameFlags(p[4]),
		stream: binary.BigEndian.Uint32(p[5:]) & (1<<31 - 1),
	}
}

func appendFrameHeader(dst []byte, length int, typ frameType, flags frameFlags, stream uint32) []byte {
	return append(dst, byte(length>>16), byte(length>>8), byte(length), byte(typ), byte(flags),
		byte(stream>>24), byte(stream>>16), byte(stream>>8), byte(stream))
}

func appendRSTStream(dst []byte, stream uint32, code ErrCode) []byte {
	dst = appendFrameHeader(dst, 4, frameRSTStream, 0, stream)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

func appendWindowUpdate(dst []byte, stream, n uint32) []byte {
	dst = appendFrameHeader(dst, 4, frameWindowUpdate, 0, stream)
	return binary.BigEndian.AppendUint32(dst, n)
}

func appendPing(dst []byte, flags frameFlags, data [8]byte) []byte {
	return append(appendFrameHeader(dst, 8, framePing, flags, 0), data[:]...)
}

func appendGoAway(dst []byte, last uint32, code ErrCode, debug string) []byte {
	dst = appendFrameHeader(dst, 8+len(debug), frameGoAway, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, last)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

type setting struct {
	id    xhttp2.SettingID
	value uint32
}

func appendSettings(dst []byte, settings ...setting) []byte {
	dst = appendFrameHeader(dst, 6*len(settings), frameSettings, 0, 0)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.id))
		dst = binary.BigEndian.AppendUint32(dst, s.value)
	}
	return dst
}

func appendSettingsAck(dst []byte) []byte {
	return appendFrameHeader(dst, 0, frameSettings, flagAck, 0)
}

// unpad strips the padding of DATA and HEADERS; ok is false when it is longer than the frame.
func unpad(h frameHeader, p []byte) (content []byte, ok bool) {
	if !h.flags.Has(flagPadded) {
		return p, true
	}
	if len(p) == 0 || int(p[0]) >= len(p) {
		return nil, false
	}
	return p[1 : len(p)-int(p[0])], true
}
