package wasm

import "errors"

// errUnknownCode is of instructions that wazero does not know either.
var errUnknownCode = errors.New("the module is not valid: it has an instruction that is not known")

// frame is a block that has not ended.
type frame struct {
	base int // of the operand stack
	arity
	loop bool
}

// weighing goes through one function.
type weighing struct {
	*scales
	weight
	r      reader
	frames []frame
	depth  int // of the operand stack
	locals map[uint64]bool
	deep   int // the deepest stack at a block
}

// weigh counts what a function consists of.
func (s *scales) weigh(of arity, body []byte) (weight, error) {
	w := weighing{scales: s, r: reader{p: body}, locals: map[uint64]bool{}}
	w.bytes = len(body)
	w.frames = []frame{{arity: arity{0, of.results}}}
	for range w.r.uvarint() { // locals
		w.r.uvarint()
		if w.r.byte(); w.r.failed {
			return w.weight, errCutShort
		}
	}
	for len(w.r.p) > 0 && !w.r.failed {
		if !w.instruction(w.r.byte()) {
			return w.weight, errUnknownCode
		}
	}
	if w.r.failed {
		return w.weight, errCutShort
	}
	w.blocks++
	w.carried += of.parameters + of.results
	w.values = of.parameters + len(w.locals) + w.deep
	return w.weight, nil
}

// instruction takes one with its immediates. false: it is not known.
func (w *weighing) instruction(op byte) bool {
	before := w.r
	if !w.r.immediates(op) {
		return false
	}
	if w.r.failed {
		return true // there is less than it wants
	}
	switch {
	case op >= 0x02 && op <= 0x04:
		w.open(op, &before)
	case op == 0x05:
		w.otherwise()
	case op == 0x0b:
		w.end()
	case op == 0x0c, op == 0x0d, op == 0x0e:
		w.branch(op, &before)
	case op == 0x00, op == 0x0f, op == 0x12, op == 0x13:
		w.unreachable()
	case op == 0x10:
		w.call(w.typeOf(before.uvarint()))
	case op == 0x11:
		w.depth--
		w.call(w.typeAt(before.uvarint()))
	case op >= 0x20 && op <= 0x22:
		w.locals[before.uvarint()] = true
		w.move(effects[op])
	case op == 0xfc:
		w.prefixed(before.uvarint())
	case op == 0xfd:
		w.vector(before.uvarint())
	default:
		w.move(effects[op])
	}
	return true
}

func (w *weighing) top() *frame { return &w.frames[len(w.frames)-1] }

// move changes the depth of the stack, which does not fall below the block's.
func (w *weighing) move(by int8) { w.depth = max(w.depth+int(by), w.top().base) }

// block counts so many basic blocks that begin here.
func (w *weighing) block(n int) {
	w.blocks += n
	w.deep = max(w.deep, w.depth)
}

func (w *weighing) open(op byte, r *reader) {
	var a arity
	switch kind := r.p[0]; {
	case kind == 0x40:
	case kind >= 0x60 && kind < 0x80: // one result
		a.results = 1
	default:
		a = w.typeAt(r.uvarint())
	}
	n := 1
	switch op {
	case opLoop:
		n = 2
		w.loops++
	case 0x04:
		n = 3
		w.move(-1)
	}
	w.block(n)
	w.carried += n * (a.parameters + a.results)
	w.frames = append(w.frames, frame{max(w.depth-a.parameters, w.top().base), a, op == opLoop})
}

func (w *weighing) otherwise() {
	f := w.top()
	w.depth = f.base + f.parameters
	w.block(0)
}

func (w *weighing) end() {
	f := *w.top()
	if len(w.frames) > 1 {
		w.frames = w.frames[:len(w.frames)-1]
	}
	w.depth = f.base + f.results
	w.block(0)
}

// branch counts the edges, and what goes along them.
func (w *weighing) branch(op byte, r *reader) {
	targets := uint64(1)
	if op == 0x0e {
		targets = r.uvarint() + 1
	}
	if op != 0x0c {
		w.move(-1)
	}
	for range targets {
		w.carried += w.carries(r.uvarint())
	}
	switch op {
	case 0x0d:
		w.block(2) // what follows, and a place on the way
	case 0x0e:
		w.block(int(targets+3) / 4) // they have one dominator: a quarter of the cost
		w.unreachable()
	default:
		w.unreachable()
	}
}

// carries is how many values a branch to a block takes along.
func (w *weighing) carries(depth uint64) int {
	if depth >= uint64(len(w.frames)) {
		return 0
	}
	f := w.frames[uint64(len(w.frames))-1-depth]
	if f.loop {
		return f.parameters
	}
	return f.results
}

func (w *weighing) unreachable() {
	w.block(0)
	w.depth = w.top().base
}

func (w *weighing) call(of arity) {
	w.carried += of.parameters + of.results
	w.depth = max(w.depth-of.parameters, w.top().base) + of.results
}

// prefixed are saturating conversions, bulk memory and tables.
func (w *weighing) prefixed(op uint64) {
	switch op {
	case 8, 10, 11, 12, 14, 17:
		w.move(-3)
		w.block(4) // some are loops
	case 15:
		w.move(-1)
	case 16:
		w.move(1)
	}
}

// vector takes them for what leaves the stack as it is, but for those that only push or only pop.
func (w *weighing) vector(op uint64) {
	switch op {
	case 12:
		w.move(1)
	case 11, 88, 89, 90, 91:
		w.move(-2)
	}
}

// effects are by how much instructions of one byte change the depth of the stack.
var effects = func() (e [256]int8) {
	set := func(by int8, from, to int) {
		for op := from; op <= to; op++ {
			e[op] = by
		}
	}
	set(-1, 0x1a, 0x1a) // drop
	set(-2, 0x1b, 0x1c) // select
	set(1, 0x20, 0x20)  // local.get
	set(-1, 0x21, 0x21) // local.set
	set(1, 0x23, 0x23)  // global.get
	set(-1, 0x24, 0x24) // global.set
	set(-2, 0x26, 0x26) // table.set
	set(-2, 0x36, 0x3e) // stores
	set(1, 0x3f, 0x3f)  // memory.size
	set(1, 0x41, 0x44)  // constants
	set(-1, 0x46, 0x4f) // comparisons of i32
	set(-1, 0x51, 0x66) // of the others
	set(-1, 0x6a, 0x78) // arithmetic of i32
	set(-1, 0x7c, 0x8a) // of i64
	set(-1, 0x92, 0x98) // of f32
	set(-1, 0xa0, 0xa6) // of f64
	set(1, 0xd0, 0xd0)  // ref.null
	set(1, 0xd2, 0xd2)  // ref.func
	return e
}()
