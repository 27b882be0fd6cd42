package wasm

// view is guest memory that is good until the guest runs again.
func (in *instance) view(at, n uint32) ([]byte, bool) {
	if n == 0 {
		return nil, true
	}
	return in.memory.Read(at, n)
}

func (in *instance) text(at, n uint32) (string, bool) {
	b, good := in.view(at, n)
	return string(b), good
}

func (in *instance) put32(at, v uint32) bool        { return in.memory.WriteUint32Le(at, v) }
func (in *instance) put64(at uint32, v uint64) bool { return in.memory.WriteUint64Le(at, v) }

// allocate has the guest make room for n bytes, n > 0. The room is good until the guest runs again.
func (in *instance) allocate(n int) (at uint32, room []byte, s status) {
	if in.alloc == nil || in.allocating {
		return 0, nil, internalFailure // a guest that asks for bytes in its allocator would do so for ever
	}
	in.allocating = true
	in.allocStack[0] = uint64(uint32(n))
	err := in.alloc.CallWithStack(in, in.allocStack[:1])
	in.allocating = false
	if err != nil {
		panic(err) // the outer call ends, too, with this reason
	}
	at = uint32(in.allocStack[0])
	room, good := in.memory.Read(at, uint32(n))
	if at == 0 || !good {
		return 0, nil, invalidMemoryAccess
	}
	return at, room, ok
}

// give copies b to the guest, and writes where to the two words. Nothing is a null pointer.
func (in *instance) give(b []byte, outAt, outLen uint32) status {
	at := uint32(0)
	if len(b) > 0 {
		start, room, s := in.allocate(len(b))
		if s != ok {
			return s
		}
		copy(room, b)
		at = start
	}
	return in.giveWords(at, uint32(len(b)), outAt, outLen)
}

func (in *instance) giveWords(at, n, outAt, outLen uint32) status {
	if !in.put32(outAt, at) || !in.put32(outLen, n) {
		return invalidMemoryAccess
	}
	return ok
}
