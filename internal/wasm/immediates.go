package wasm

func (r *reader) skip(n uint64) {
	if n > uint64(len(r.p)) {
		r.failed, r.p = true, nil
		return
	}
	r.p = r.p[n:]
}

// leb skips a number of any size, signed or not.
func (r *reader) leb() {
	for range 10 {
		if r.byte() < 0x80 {
			return
		}
	}
	r.failed = true
}

func (r *reader) lebs(n int) bool {
	for range n {
		r.leb()
	}
	return true
}

// immediates skips what follows an opcode. false: the opcode is not known.
func (r *reader) immediates(op byte) bool {
	switch {
	case op == 0x00, op == 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b: // control and stack without any
		return true
	case op >= 0x02 && op <= 0x04, op == 0x0c, op == 0x0d: // blocks with a type, br, br_if
		return r.lebs(1)
	case op == 0x0e: // br_table
		n := r.uvarint()
		for i := uint64(0); i <= n && !r.failed; i++ {
			r.leb()
		}
		return true
	case op == 0x10, op == 0x12: // call, return_call
		return r.lebs(1)
	case op == 0x11, op == 0x13: // call_indirect, return_call_indirect
		return r.lebs(2)
	case op == 0x1c: // select with types
		for range r.uvarint() {
			if r.leb(); r.failed {
				break
			}
		}
		return true
	case op >= 0x20 && op <= 0x26: // locals, globals, tables
		return r.lebs(1)
	case op >= 0x28 && op <= 0x3e: // loads and stores
		return r.memoryArgument()
	case op == 0x3f, op == 0x40: // memory.size, memory.grow
		return r.lebs(1)
	case op == 0x41, op == 0x42: // i32.const, i64.const
		return r.lebs(1)
	case op == 0x43:
		r.skip(4)
		return true
	case op == 0x44:
		r.skip(8)
		return true
	case op >= 0x45 && op <= 0xc4: // arithmetic
		return true
	case op == 0xd0, op == 0xd2: // ref.null, ref.func
		return r.lebs(1)
	case op == 0xd1:
		return true
	case op == 0xfc:
		return r.prefixed(r.uvarint())
	case op == 0xfd:
		return r.vector(r.uvarint())
	}
	return false
}

// memoryArgument is alignment and offset. More bits in the alignment are of proposals that are not known here.
func (r *reader) memoryArgument() bool {
	if r.uvarint() >= 32 {
		return false
	}
	r.leb()
	return true
}

// prefixed are saturating conversions, bulk memory and tables.
func (r *reader) prefixed(op uint64) bool {
	switch {
	case op <= 7:
		return true
	case op == 9, op == 11, op == 13, op >= 15 && op <= 17: // data.drop, memory.fill, elem.drop, table.grow, size, fill
		return r.lebs(1)
	case op == 8, op == 10, op == 12, op == 14: // memory.init, memory.copy, table.init, table.copy
		return r.lebs(2)
	}
	return false
}

// vector are those of 128 bits.
func (r *reader) vector(op uint64) bool {
	switch {
	case op <= 11, op == 92, op == 93: // loads and stores
		return r.memoryArgument()
	case op == 12, op == 13: // v128.const, i8x16.shuffle
		r.skip(16)
		return true
	case op >= 21 && op <= 34: // lanes
		r.skip(1)
		return true
	case op >= 84 && op <= 91: // loads and stores of a lane
		good := r.memoryArgument()
		r.skip(1)
		return good
	case op < 256:
		return true
	}
	return false
}
