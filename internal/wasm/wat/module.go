package wat

import "encoding/binary"

// Code is instructions, or any other part of a module.
type Code []byte

// Cat puts parts one behind another.
func Cat(parts ...Code) Code {
	var all Code
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// Uleb is an unsigned number.
func Uleb(v uint64) Code { return binary.AppendUvarint(nil, v) }

// sleb writes a signed number.
func sleb(v int64) Code {
	var b Code
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// text is a length and the bytes.
func text(s string) Code { return append(Uleb(uint64(len(s))), s...) }

func vector(items ...Code) Code { return Cat(Uleb(uint64(len(items))), Cat(items...)) }

func section(id byte, body Code) Code { return Cat(Code{id}, Uleb(uint64(len(body))), body) }

// Instructions without an operand; memory is accessed at the address on the stack.
var (
	Unreachable = Code{0x00}
	end         = Code{0x0b}
	Return      = Code{0x0f}
	Drop        = Code{0x1a}
	Add         = Code{0x6a}
	Eqz         = Code{0x45}
	Ne          = Code{0x47}
	Load32      = Code{0x28, 0x02, 0x00}
	Store32     = Code{0x36, 0x02, 0x00}
	Load8       = Code{0x2d, 0x00, 0x00}
	MemoryGrow  = Code{0x40, 0x00}
)

// Instructions with operands, and some that are often wanted together.

// I32 is a constant.
func I32(v int32) Code { return Cat(Code{0x41}, sleb(int64(v))) }

// I64 is a constant.
func I64(v int64) Code { return Cat(Code{0x42}, sleb(v)) }

// Local reads a parameter or local.
func Local(i int) Code { return Cat(Code{0x20}, Uleb(uint64(i))) }

// SetLocal writes one.
func SetLocal(i int) Code { return Cat(Code{0x21}, Uleb(uint64(i))) }

// Call calls a function.
func Call(i int) Code { return Cat(Code{0x10}, Uleb(uint64(i))) }

// Loop is a block that Branch(0) repeats.
func Loop(body ...Code) Code { return Cat(Code{0x03, 0x40}, Cat(body...), end) }

// Branch leaves so many blocks, or repeats a loop.
func Branch(depth int) Code { return Cat(Code{0x0c}, Uleb(uint64(depth))) }

// If runs what follows if the top of the stack is not 0.
func If(then ...Code) Code { return Cat(Code{0x04, 0x40}, Cat(then...), end) }

// Forever never ends.
func Forever() Code { return Cat(Loop(Branch(0)), Unreachable) }

// StoreAt writes a word.
func StoreAt(at, v int32) Code { return Cat(I32(at), I32(v), Store32) }

// LoadFrom reads a word.
func LoadFrom(at int32) Code { return Cat(I32(at), Load32) }

// AddTo adds to a word.
func AddTo(at, delta int32) Code { return Cat(I32(at), LoadFrom(at), I32(delta), Add, Store32) }

// signatureCode writes "iil>i" as a function type.
func signatureCode(s string) Code {
	types := map[byte]byte{'i': 0x7f, 'l': 0x7e, 'f': 0x7d, 'd': 0x7c}
	var in, out []Code
	list := &in
	for i := range len(s) {
		if s[i] == '>' {
			list = &out
			continue
		}
		*list = append(*list, Code{types[s[i]]})
	}
	return Cat(Code{0x60}, vector(in...), vector(out...))
}

// Builder collects a module.
type Builder struct {
	types     []Code
	typeOf    map[string]int
	imports   []Code
	imported  map[string]int
	functions []Code
	bodies    []Code
	exports   []Code
	names     []Code
	data      []Code
	dataAt    int32

	// Table is a table section, Extra stands behind all sections, Start is a function that runs first (-1 is none), and Pages
	// is the size of the memory.
	Table, Extra Code
	Start, Pages int
}

// New begins a module.
func New() *Builder {
	return &Builder{typeOf: map[string]int{}, imported: map[string]int{}, Start: -1, Pages: 2, dataAt: 1024}
}

func (b *Builder) typeIndex(signature string) int {
	i, found := b.typeOf[signature]
	if !found {
		i = len(b.types)
		b.typeOf[signature] = i
		b.types = append(b.types, signatureCode(signature))
	}
	return i
}

// Import imports a function, and gives its number. Imports come before functions.
func (b *Builder) Import(module, f, signature string) int {
	if i, found := b.imported[module+f]; found {
		return i
	}
	if len(b.functions) > 0 {
		panic("imports come first")
	}
	i := len(b.imports)
	b.imports = append(b.imports, Cat(text(module), text(f), Code{0x00}, Uleb(uint64(b.typeIndex(signature)))))
	b.imported[module+f] = i
	return i
}

// Function adds one with so many i32 locals, and exports it unless the name begins with a dot.
func (b *Builder) Function(f, signature string, locals int, body ...Code) int {
	i := len(b.imports) + len(b.functions)
	b.functions = append(b.functions, Uleb(uint64(b.typeIndex(signature))))
	var declared []Code
	if locals > 0 {
		declared = []Code{Cat(Uleb(uint64(locals)), Code{0x7f})}
	}
	inner := Cat(vector(declared...), Cat(body...), end)
	b.bodies = append(b.bodies, Cat(Uleb(uint64(len(inner))), inner))
	b.names = append(b.names, Cat(Uleb(uint64(i)), text(f)))
	if f[0] != '.' {
		b.exports = append(b.exports, Cat(text(f), Code{0x00}, Uleb(uint64(i))))
	}
	return i
}

// place puts a text into memory, and gives its place.
func (b *Builder) place(s string) (at, n int32) {
	at = b.dataAt
	b.data = append(b.data, Cat(Code{0x00}, I32(at), end, text(s)))
	b.dataAt += int32(len(s)+7) &^ 7
	return at, int32(len(s))
}

// Text puts a text into memory. It is its place and length, the two arguments of a host function.
func (b *Builder) Text(s string) Code {
	at, n := b.place(s)
	return Cat(I32(at), I32(n))
}

// Module is the bytes.
func (b *Builder) Module() []byte {
	m := Code("\x00asm\x01\x00\x00\x00")
	m = append(m, section(1, vector(b.types...))...)
	if len(b.imports) > 0 {
		m = append(m, section(2, vector(b.imports...))...)
	}
	m = append(m, section(3, vector(b.functions...))...)
	if b.Table != nil {
		m = append(m, section(4, b.Table)...)
	}
	m = append(m, section(5, vector(Cat(Code{0x00}, Uleb(uint64(b.Pages)))))...)
	b.exports = append(b.exports, Cat(text("memory"), Code{0x02, 0x00}))
	m = append(m, section(7, vector(b.exports...))...)
	if b.Start >= 0 {
		m = append(m, section(8, Uleb(uint64(b.Start)))...)
	}
	m = append(m, section(10, vector(b.bodies...))...)
	if len(b.data) > 0 {
		m = append(m, section(11, vector(b.data...))...)
	}
	functionNames := section(1, vector(b.names...))
	return append(append(m, section(0, Cat(text("name"), functionNames))...), b.Extra...)
}

// bumpAt is the word where the guest's allocator keeps its next address.
const bumpAt = 16

// Plugin adds what every plugin has: the marker, and an allocator that never frees.
func (b *Builder) Plugin() *Builder {
	b.Function("proxy_abi_version_0_2_1", ">", 0)
	b.Function("proxy_on_memory_allocate", "i>i", 1,
		LoadFrom(bumpAt), SetLocal(1),
		I32(bumpAt), Local(1), Local(0), Add, I32(7), Add, I32(-8), Code{0x71}, Store32,
		Local(1))
	b.data = append(b.data, Cat(Code{0x00}, I32(bumpAt), end, text("\x00\x80\x00\x00"))) // 32768
	return b
}

// Table is a section with one table of functions, without a maximum.
func Table(least uint64) Code { return vector(Cat(Code{0x70, 0x00}, Uleb(least))) }
