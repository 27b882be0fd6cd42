package hpack

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	xhpack "golang.org/x/net/http2/hpack"
)

// list is a Sink that copies.
type list []string

func (l *list) Field(id header.ID, name, value []byte) error {
	if id != header.Lookup(name) {
		return fmt.Errorf("id %d for %s", id, name)
	}
	*l = append(*l, string(name)+"\x00"+string(value))
	return nil
}

func xList(fields []xhpack.HeaderField) list {
	var l list
	for _, f := range fields {
		l = append(l, f.Name+"\x00"+f.Value)
	}
	return l
}

func randomFields(r *rand.Rand) []header.Field {
	names := []string{"accept", "x-custom", "cookie", "set-cookie", "authorization", "content-type", "etag", "x-a", "x-b", "grpc-timeout"}
	var m header.Map
	for range r.IntN(12) {
		name := names[r.IntN(len(names))]
		if r.IntN(5) == 0 {
			name = fmt.Sprintf("x-%d", r.IntN(400))
		}
		value := bytes.Repeat([]byte{byte('a' + r.IntN(26))}, r.IntN(60))
		if r.IntN(40) == 0 {
			value = bytes.Repeat([]byte{'L'}, r.IntN(6000))
		}
		m.Add([]byte(name), value)
	}
	out := make([]header.Field, m.Len())
	for i := range out {
		out[i] = *m.At(i)
	}
	return out
}

// TestEncoderIsReadByXNet runs many blocks through one connection's state, with table size changes between them.
func TestEncoderIsReadByXNet(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		enc := NewEncoder()
		x := xhpack.NewDecoder(DefaultTableSize, nil)
		own := NewDecoder(DefaultTableSize)
		for range 200 {
			if r.IntN(20) == 0 {
				for range r.IntN(3) {
					enc.SetLimit(uint32(r.IntN(5000)))
				}
			}
			fields := randomFields(r)
			block := enc.Begin(nil)
			status := 100 + r.IntN(500)
			block = enc.Status(block, status)
			block = enc.Authority(block, []byte("a.example"))
			block = enc.Method(block, []byte("PUT"))
			block = enc.Path(block, []byte("/x"))
			block = enc.Protocol(block, []byte("websocket"))
			want := list{
				fmt.Sprintf(":status\x00%d", status), ":authority\x00a.example", ":method\x00PUT", ":path\x00/x",
				":protocol\x00websocket",
			}
			for i := range fields {
				block = enc.Field(block, &fields[i])
				want = append(want, string(fields[i].Name)+"\x00"+string(fields[i].Value))
			}
			xFields, err := x.DecodeFull(block)
			if err != nil {
				t.Fatalf("seed %d: x/net: %v", seed, err)
			}
			if got := xList(xFields); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d: x/net read\n%q\nwant\n%q", seed, got, want)
			}
			var got list
			if err := own.Decode(block, &got); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("seed %d: read\n%q\nwant\n%q", seed, got, want)
			}
		}
	}
}

// TestDecoderReadsXNet is the other direction.
func TestDecoderReadsXNet(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	var buf bytes.Buffer
	x := xhpack.NewEncoder(&buf)
	d := NewDecoder(DefaultTableSize)
	for i := range 5000 {
		buf.Reset()
		if i%97 == 0 {
			x.SetMaxDynamicTableSize(uint32(r.IntN(DefaultTableSize)))
		}
		var want list
		for _, f := range randomFields(r) {
			if err := x.WriteField(xhpack.HeaderField{Name: string(f.Name), Value: string(f.Value), Sensitive: r.IntN(9) == 0}); err != nil {
				t.Fatal(err)
			}
			want = append(want, string(f.Name)+"\x00"+string(f.Value))
		}
		var got list
		if err := d.Decode(buf.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("read\n%q\nwant\n%q", got, want)
		}
	}
}

func TestDecoderRefuses(t *testing.T) {
	for name, block := range map[string]string{
		"index 0":                   "\x80",
		"index beyond tables":       "\xff\x00",
		"integer over 32 bits":      "\xff\xff\xff\xff\xff\xff\x0f",
		"integer cut short":         "\xff\xff",
		"name index beyond tables":  "\x7f\x7f\x01a",
		"string longer than block":  "\x00\x05ab",
		"huffman padding":           "\x00\x81\x00\x00",
		"size update too large":     "\x3f\xe2\x1f",
		"size update after a field": "\x82\x20",
		"three size updates":        "\x20\x20\x20",
		"empty string length":       "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			var l list
			if err := NewDecoder(DefaultTableSize).Decode([]byte(block), &l); err == nil {
				t.Fatalf("accepted as %q", l)
			}
		})
	}
}

// FuzzDecode compares with x/net: what it accepts we read the same or refuse, what it refuses we refuse.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("\x82\x86\x84\x41\x0fwww.example.com"), []byte("\x82\x86\x84\xbe\x58\x08no-cache"))
	f.Add([]byte("\x40\x0acustom-key\x0dcustom-header"), []byte("\xbe"))
	f.Add([]byte("\x20\x3f\xe1\x1f\x82"), []byte("\x3f\x00"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := NewDecoder(DefaultTableSize)
		x := xhpack.NewDecoder(DefaultTableSize, nil)
		for _, block := range [][]byte{a, b} {
			var got list
			err := d.Decode(block, &got)
			want, xErr := x.DecodeFull(block)
			if err != nil {
				return
			}
			if xErr != nil && secondUpdate(block) {
				return
			}
			if xErr != nil {
				t.Fatalf("accepted %x as %q, x/net: %v", block, got, xErr)
			}
			if fmt.Sprint(got) != fmt.Sprint(xList(want)) {
				t.Fatalf("%x: read %q, x/net %q", block, got, want)
			}
		}
	})
}

// secondUpdate tells whether a block begins with two size updates, which RFC 7541 section 4.2 allows (the smallest size in
// between, then the last one), and x/net only while the table is empty.
func secondUpdate(block []byte) bool {
	isUpdate := func(p []byte) bool { return len(p) > 0 && p[0]&0xe0 == 0x20 }
	if !isUpdate(block) {
		return false
	}
	n := 1
	if block[0]&0x1f == 0x1f {
		for n < len(block) && block[n]&0x80 != 0 {
			n++
		}
		n++
	}
	return isUpdate(block[min(n, len(block)):])
}

var benchFields = [][2]string{
	{"user-agent", "curl/8.5.0"},
	{"accept", "*/*"},
	{"content-type", "application/grpc"},
	{"te", "trailers"},
	{"grpc-timeout", "999m"},
	{"x-request-id", "6b1f4c1e-0d5c-4b1e-9d5f-0a4f8d8e7c11"},
	{"x-custom", "value"},
}

func BenchmarkEncode(b *testing.B) {
	var m header.Map
	for _, f := range benchFields {
		m.Add([]byte(f[0]), []byte(f[1]))
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		enc := NewEncoder()
		var dst []byte
		for b.Loop() {
			dst = enc.Begin(dst[:0])
			dst = enc.Path(dst, []byte("/index"))
			for i := range m.Len() {
				dst = enc.Field(dst, m.At(i))
			}
		}
	})
	b.Run("x-net", func(b *testing.B) {
		b.ReportAllocs()
		var buf bytes.Buffer
		enc := xhpack.NewEncoder(&buf)
		for b.Loop() {
			buf.Reset()
			_ = enc.WriteField(xhpack.HeaderField{Name: ":path", Value: "/index"})
			for i := range m.Len() {
				f := m.At(i)
				_ = enc.WriteField(xhpack.HeaderField{Name: string(f.Name), Value: string(f.Value)})
			}
		}
	})
}

type discard struct{ n int }

func (d *discard) Field(_ header.ID, name, value []byte) error {
	d.n += len(name) + len(value)
	return nil
}

func BenchmarkDecode(b *testing.B) {
	var buf bytes.Buffer
	enc := xhpack.NewEncoder(&buf)
	encode := func() []byte {
		buf.Reset()
		for _, f := range benchFields {
			// What h2load and grpc-go do: ids and time-outs as literals.
			literal := f[0] == "grpc-timeout" || f[0] == "x-request-id"
			_ = enc.WriteField(xhpack.HeaderField{Name: f[0], Value: f[1], Sensitive: literal})
		}
		return bytes.Clone(buf.Bytes())
	}
	first, steady := encode(), encode()
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		d := NewDecoder(DefaultTableSize)
		var s discard
		_ = d.Decode(first, &s)
		for b.Loop() {
			_ = d.Decode(steady, &s)
		}
	})
	b.Run("x-net", func(b *testing.B) {
		b.ReportAllocs()
		d := xhpack.NewDecoder(DefaultTableSize, func(xhpack.HeaderField) {})
		_, _ = d.Write(first)
		for b.Loop() {
			_, _ = d.Write(steady)
			_ = d.Close()
		}
	})
}
