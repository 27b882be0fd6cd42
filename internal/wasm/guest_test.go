package wasm

import "github.com/spillway-lb/spillway/internal/wasm/wat"

// host imports a function of the ABI, or of WASI.
func host(b *wat.Builder, name string) int {
	if f, found := envFunctions[name]; found {
		return b.Import(moduleEnv, name, f.signature)
	}
	return b.Import(modulePreview1, name, wasiFunctions[name].signature)
}

// Places in a guest's memory for what the host writes.
const (
	outA = 64
	outB = 72
	outC = 80
	note = 128 // what note logs
)

// checked calls a function and traps unless it returns want.
func checked(f int, want int32, args ...wat.Code) wat.Code {
	return wat.Cat(wat.Cat(args...), wat.Call(f), wat.I32(want), wat.Ne, wat.If(wat.Unreachable))
}

// say logs what the two words at outA and outB say: a place and a length.
func say(log int) wat.Code {
	return wat.Cat(wat.I32(int32(Info)), wat.LoadFrom(outA), wat.LoadFrom(outB), wat.Call(log), wat.Drop)
}

// outs are the two words as arguments.
func outs() wat.Code { return wat.Cat(wat.I32(outA), wat.I32(outB)) }
