package wasm

import (
	"bytes"
	"compress/zlib"
	"io"
)

// foreignFunctions are those of Envoy that make sense here.
var foreignFunctions = map[string]func(arguments []byte) ([]byte, status){
	"clear_route_cache": func([]byte) ([]byte, status) { return nil, ok },
	"compress":          compress,
	"uncompress":        uncompress,
}

func callForeign(in *instance, a arguments) uint32 {
	name, good1 := in.text(a.u32(0), a.u32(1))
	args, good2 := in.view(a.u32(2), a.u32(3))
	if !good1 || !good2 {
		return uint32(invalidMemoryAccess)
	}
	f := foreignFunctions[name]
	if f == nil || in.plugin.module.options.Profile != Full {
		return uint32(notFound)
	}
	result, s := f(args)
	if s != ok {
		return uint32(s)
	}
	return uint32(in.giveResult(result, a.u32(4), a.u32(5)))
}

// giveResult is as give, but a guest that wants no result gives null for where.
func (in *instance) giveResult(b []byte, outAt, outLen uint32) status {
	at := uint32(0)
	if len(b) > 0 && outAt != 0 {
		start, room, s := in.allocate(len(b))
		if s != ok {
			return s
		}
		copy(room, b)
		at = start
	}
	if outAt != 0 && !in.put32(outAt, at) || outLen != 0 && !in.put32(outLen, uint32(len(b))) {
		return invalidMemoryAccess
	}
	return ok
}

func compress(p []byte) ([]byte, status) {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(p)
	_ = w.Close()
	return out.Bytes(), ok
}

func uncompress(p []byte) ([]byte, status) {
	r, err := zlib.NewReader(bytes.NewReader(p))
	if err != nil {
		return nil, badArgument
	}
	out, err := io.ReadAll(io.LimitReader(r, maxUncompressed+1))
	if err != nil || len(out) > maxUncompressed {
		return nil, badArgument
	}
	return out, ok
}

const maxUncompressed = 64 << 20
