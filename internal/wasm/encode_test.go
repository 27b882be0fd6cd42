package wasm

import "encoding/binary"

// What follows writes WebAssembly modules, so that tests need nothing installed: a module is lists of types, imports,
// functions and exports, and code is bytes made by small functions with the instructions' names.

type code []byte

func cat(parts ...code) code {
	var all code
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func uleb(v uint64) code { return binary.AppendUvarint(nil, v) }

// sleb writes a signed number.
func sleb(v int64) code {
	var b code
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func name(s string) code { return append(uleb(uint64(len(s))), s...) }

func vector(items ...code) code { return cat(uleb(uint64(len(items))), cat(items...)) }

func section(id byte, body code) code { return cat(code{id}, uleb(uint64(len(body))), body) }

// The instructions that tests use.
var (
	unreachable = code{0x00}
	end         = code{0x0b}
	ret         = code{0x0f}
	drop        = code{0x1a}
	add         = code{0x6a}
	eqz         = code{0x45}
	ne          = code{0x47}
	load32      = code{0x28, 0x02, 0x00}
	store32     = code{0x36, 0x02, 0x00}
	load8       = code{0x2d, 0x00, 0x00}
	memoryGrow  = code{0x40, 0x00}
	callNone    = code{}
)

func i32(v int32) code           { return cat(code{0x41}, sleb(int64(v))) }
func i64(v int64) code           { return cat(code{0x42}, sleb(v)) }
func local(i int) code           { return cat(code{0x20}, uleb(uint64(i))) }
func setLocal(i int) code        { return cat(code{0x21}, uleb(uint64(i))) }
func call(i int) code            { return cat(code{0x10}, uleb(uint64(i))) }
func loop(body ...code) code     { return cat(code{0x03, 0x40}, cat(body...), end) }
func branch(depth int) code      { return cat(code{0x0c}, uleb(uint64(depth))) }
func ifElse(then ...code) code   { return cat(code{0x04, 0x40}, cat(then...), end) }
func forever() code              { return cat(loop(branch(0)), unreachable) }
func storeAt(at, v int32) code   { return cat(i32(at), i32(v), store32) }
func loadFrom(at int32) code     { return cat(i32(at), load32) }
func addTo(at, delta int32) code { return cat(i32(at), loadFrom(at), i32(delta), add, store32) }

// signatureCode writes "iil>i" as a function type.
func signatureCode(s string) code {
	types := map[byte]byte{'i': 0x7f, 'l': 0x7e, 'f': 0x7d, 'd': 0x7c}
	var in, out []code
	list := &in
	for i := range len(s) {
		if s[i] == '>' {
			list = &out
			continue
		}
		*list = append(*list, code{types[s[i]]})
	}
	return cat(code{0x60}, vector(in...), vector(out...))
}

// builder collects a module.
type builder struct {
	types     []code
	typeOf    map[string]int
	imports   []code
	imported  map[string]int
	functions []code
	bodies    []code
	exports   []code
	names     []code
	data      []code
	table     code
	extra     code // after all other sections
	start     int  // -1 is none
	pages     int
	dataAt    int32
}

func newBuilder() *builder {
	return &builder{typeOf: map[string]int{}, imported: map[string]int{}, start: -1, pages: 2, dataAt: 1024}
}

func (b *builder) typeIndex(signature string) int {
	i, found := b.typeOf[signature]
	if !found {
		i = len(b.types)
		b.typeOf[signature] = i
		b.types = append(b.types, signatureCode(signature))
	}
	return i
}

// imports must come before functions.
func (b *builder) importFunction(module, f, signature string) int {
	if i, found := b.imported[module+f]; found {
		return i
	}
	if len(b.functions) > 0 {
		panic("imports come first")
	}
	i := len(b.imports)
	b.imports = append(b.imports, cat(name(module), name(f), code{0x00}, uleb(uint64(b.typeIndex(signature)))))
	b.imported[module+f] = i
	return i
}

// host imports a function of the ABI with its signature, and calls it.
func (b *builder) host(f string) int { return b.importFunction("env", f, envFunctions[f].signature) }

// function adds one with so many i32 locals, and exports it unless the name begins with a dot.
func (b *builder) function(f, signature string, locals int, body ...code) int {
	i := len(b.imports) + len(b.functions)
	b.functions = append(b.functions, uleb(uint64(b.typeIndex(signature))))
	var declared []code
	if locals > 0 {
		declared = []code{cat(uleb(uint64(locals)), code{0x7f})}
	}
	inner := cat(vector(declared...), cat(body...), end)
	b.bodies = append(b.bodies, cat(uleb(uint64(len(inner))), inner))
	b.names = append(b.names, cat(uleb(uint64(i)), name(f)))
	if f[0] != '.' {
		b.exports = append(b.exports, cat(name(f), code{0x00}, uleb(uint64(i))))
	}
	return i
}

// text puts a text into memory, and gives its place.
func (b *builder) text(s string) (at, n int32) {
	at = b.dataAt
	b.data = append(b.data, cat(code{0x00}, i32(at), end, name(s)))
	b.dataAt += int32(len(s)+7) &^ 7
	return at, int32(len(s))
}

// words is text as the two arguments of a host function.
func (b *builder) words(s string) code {
	at, n := b.text(s)
	return cat(i32(at), i32(n))
}

func (b *builder) module() []byte {
	m := code("\x00asm\x01\x00\x00\x00")
	m = append(m, section(1, vector(b.types...))...)
	if len(b.imports) > 0 {
		m = append(m, section(2, vector(b.imports...))...)
	}
	m = append(m, section(3, vector(b.functions...))...)
	if b.table != nil {
		m = append(m, section(4, b.table)...)
	}
	m = append(m, section(5, vector(cat(code{0x00}, uleb(uint64(b.pages)))))...)
	b.exports = append(b.exports, cat(name("memory"), code{0x02, 0x00}))
	m = append(m, section(7, vector(b.exports...))...)
	if b.start >= 0 {
		m = append(m, section(8, uleb(uint64(b.start)))...)
	}
	m = append(m, section(10, vector(b.bodies...))...)
	if len(b.data) > 0 {
		m = append(m, section(11, vector(b.data...))...)
	}
	functionNames := section(1, vector(b.names...))
	return append(append(m, section(0, cat(name("name"), functionNames))...), b.extra...)
}

// bumpAt is the word where the guest's allocator keeps its next address.
const bumpAt = 16

// plugin adds what every plugin has: the marker, an allocator that never frees, and a callback for what is created.
func (b *builder) plugin() *builder {
	b.function("proxy_abi_version_0_2_1", ">", 0)
	b.function("proxy_on_memory_allocate", "i>i", 1,
		loadFrom(bumpAt), setLocal(1),
		i32(bumpAt), local(1), local(0), add, i32(7), add, i32(-8), code{0x71}, store32,
		local(1))
	b.data = append(b.data, cat(code{0x00}, i32(bumpAt), end, name("\x00\x80\x00\x00"))) // 32768
	return b
}
