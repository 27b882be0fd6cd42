package plugin

import "unsafe"

// The host's functions. A string is two words: where it is, and how long.

//go:wasmimport env proxy_log
func hostLog(level int32, message string) uint32

//go:wasmimport env proxy_get_buffer_bytes
func hostGetBuffer(buffer, start, size uint32, outAt *uint32, outLen *uint32) uint32

//go:wasmimport env proxy_set_buffer_bytes
func hostSetBuffer(buffer, start, size uint32, data string) uint32

//go:wasmimport env proxy_get_header_map_value
func hostGetField(m uint32, name string, outAt *uint32, outLen *uint32) uint32

//go:wasmimport env proxy_get_header_map_pairs
func hostGetFields(m uint32, outAt *uint32, outLen *uint32) uint32

//go:wasmimport env proxy_replace_header_map_value
func hostSetField(m uint32, name, value string) uint32

//go:wasmimport env proxy_add_header_map_value
func hostAddField(m uint32, name, value string) uint32

//go:wasmimport env proxy_remove_header_map_value
func hostDelField(m uint32, name string) uint32

//go:wasmimport env proxy_send_local_response
func hostReply(status uint32, details, body, fields string, grpcStatus int32) uint32

//go:wasmimport env proxy_get_property
func hostProperty(path string, outAt *uint32, outLen *uint32) uint32

//go:wasmimport env proxy_http_call
func hostCall(upstream, head, body, trailers string, milliseconds uint32, call *uint32) uint32

//go:wasmimport env proxy_set_effective_context
func hostEnter(id uint32) uint32

//go:wasmimport env proxy_continue_stream
func hostContinue(side uint32) uint32

// given holds what the host was given room for, until it is taken.
var given = map[uint32][]byte{}

//go:wasmexport proxy_on_memory_allocate
func allocate(size uint32) uint32 {
	room := make([]byte, max(size, 1))
	at := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(room))))
	given[at] = room
	return at
}

// take is what the host has written.
func take(at, n uint32) []byte {
	room := given[at]
	delete(given, at)
	return room[:min(int(n), len(room))]
}
