package plugin

var (
	begin   func() Stream // makes the stream of a request
	streams = map[uint32]Stream{}
)

//go:wasmexport proxy_abi_version_0_2_1
func abiVersion() {}

//go:wasmexport proxy_on_context_create
func onContextCreate(id, root uint32) {
	if root != 0 && begin != nil {
		streams[id] = begin()
	}
}

//go:wasmexport proxy_on_vm_start
func onVMStart(uint32, uint32) uint32 { return 1 }

//go:wasmexport proxy_on_configure
func onConfigure(_, size uint32) uint32 {
	if start == nil {
		Log(Critical, "the plugin does not call plugin.Serve in an init function")
		return 0
	}
	var err error
	if begin, err = start(Body{bufferConfiguration, size}.Bytes()); err != nil {
		Log(Error, err.Error())
		return 0
	}
	return 1
}

// stream is the one of an id: the host knows no other.
func stream(id uint32) Stream {
	if s := streams[id]; s != nil {
		return s
	}
	return Pass{}
}

//go:wasmexport proxy_on_request_headers
func onRequestHeaders(id, _, end uint32) uint32 {
	current = id
	before := len(calls)
	stream(id).RequestHeaders(Headers{mapRequest}, end != 0)
	if len(calls) > before {
		return 1 // the request waits for the answer
	}
	return 0
}

//go:wasmexport proxy_on_http_call_response
func onCallResponse(_, id, fields, size, _ uint32) { answered(id, fields, size) }

//go:wasmexport proxy_on_request_body
func onRequestBody(id, size, end uint32) uint32 {
	stream(id).RequestBody(Body{0, size}, end != 0)
	return 0
}

//go:wasmexport proxy_on_response_headers
func onResponseHeaders(id, _, end uint32) uint32 {
	stream(id).ResponseHeaders(Headers{mapResponse}, end != 0)
	return 0
}

//go:wasmexport proxy_on_response_body
func onResponseBody(id, size, end uint32) uint32 {
	stream(id).ResponseBody(Body{1, size}, end != 0)
	return 0
}

//go:wasmexport proxy_on_done
func onDone(id uint32) uint32 {
	stream(id).Done()
	return 1
}

//go:wasmexport proxy_on_delete
func onDelete(id uint32) {
	delete(streams, id)
	for call, w := range calls {
		if w.stream == id {
			delete(calls, call) // its request is gone
		}
	}
}
