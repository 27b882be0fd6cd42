package wasm

// buffer finds the bytes that the guest means, and whether there are any. set is nil for those that cannot be changed.
func (in *instance) buffer(t bufferType) (p []byte, set *buffer, found bool) {
	switch s := in.acting().stream; t {
	case bufferRequestBody, bufferResponseBody:
		if s != nil && s.body[t] != nil {
			return s.body[t].p, s.body[t], true
		}
	case bufferHTTPCall, bufferGRPC:
		p, found = in.callBuffer(t)
		return p, nil, found
	case bufferVMConfiguration:
		return in.plugin.config.VMConfiguration, nil, in.plugin.module.options.Profile == Full
	case bufferPluginConfiguration:
		return in.plugin.config.Configuration, nil, true
	}
	return nil, nil, false
}

func getBufferBytes(in *instance, a arguments) uint32 {
	t, start, most := bufferType(a.u32(0)), a.u32(1), a.u32(2)
	if t > bufferCallData {
		return uint32(badArgument)
	}
	p, _, found := in.buffer(t)
	switch {
	case !found:
		return uint32(notFound)
	case start > start+most: // as 32-bit numbers
		return uint32(badArgument)
	}
	from := min(uint64(start), uint64(len(p)))
	return uint32(in.give(p[from:min(uint64(start)+uint64(most), uint64(len(p)))], a.u32(3), a.u32(4)))
}

func getBufferStatus(in *instance, a arguments) uint32 {
	t := bufferType(a.u32(0))
	if t > bufferCallData {
		return uint32(badArgument)
	}
	p, _, found := in.buffer(t)
	if !found {
		return uint32(notFound)
	}
	return uint32(in.giveWords(uint32(len(p)), 0, a.u32(1), a.u32(2)))
}

func setBufferBytes(in *instance, a arguments) uint32 {
	t := bufferType(a.u32(0))
	data, good := in.view(a.u32(3), a.u32(4))
	if t > bufferCallData {
		return uint32(badArgument)
	}
	_, b, found := in.buffer(t)
	switch {
	case !found:
		return uint32(notFound)
	case !good:
		return uint32(invalidMemoryAccess)
	case b == nil:
		return uint32(badArgument)
	case !in.spend(len(data), maxFullBody):
		return uint32(ok)
	}
	b.set(a.u32(1), a.u32(2), data)
	return uint32(ok)
}
