package http2

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	xhttp2 "golang.org/x/net/http2"
)

// hello answers 128 bytes.
func hello() Handler {
	var h header.Map
	h.Add([]byte("content-type"), []byte("text/plain"))
	h.Add([]byte("content-length"), []byte("128"))
	body := bytes.Repeat([]byte("x"), 128)
	return func(st *ServerStream) {
		_ = st.WriteHead(200, &h, false)
		_ = st.WriteData(body, true)
	}
}

func exchangeOnce(b *testing.B, cc *ClientConn, req *message.Request, resp *message.Response, body []byte) {
	cs, err := cc.Open(req, body == nil)
	if err != nil {
		b.Fatal(err)
	}
	if body != nil {
		if err := cs.WriteData(body, true); err != nil {
			b.Fatal(err)
		}
	}
	if err := cs.ReadHead(resp, nil); err != nil {
		b.Fatal(err)
	}
	for resp.Body != nil {
		p, err := resp.Body.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(p)))
	}
	if resp.Body != nil {
		resp.Body.Close()
	}
	cs.Close()
}

// BenchmarkRequest is one request and answer at a time over a loopback socket, both ends ours.
func BenchmarkRequest(b *testing.B) {
	workers := NewWorkers(64, nil)
	defer workers.Close()
	addr := listen(b, &ServerConfig{Workers: workers}, hello())
	cc := dial(b, addr, &ClientConfig{Workers: workers})
	req := request("GET", addr, "/index", "user-agent", "bench", "accept", "*/*")
	b.ReportAllocs()
	var resp message.Response
	for b.Loop() {
		exchangeOnce(b, cc, req, &resp, nil)
	}
}

// BenchmarkParallel has many requests under way on one connection.
func BenchmarkParallel(b *testing.B) {
	workers := NewWorkers(128, nil)
	defer workers.Close()
	addr := listen(b, &ServerConfig{Workers: workers}, hello())
	cc := dial(b, addr, &ClientConfig{Workers: workers})
	req := request("GET", addr, "/index", "user-agent", "bench", "accept", "*/*")
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		var resp message.Response
		for pb.Next() {
			exchangeOnce(b, cc, req, &resp, nil)
		}
	})
}

// BenchmarkBody moves large bodies up and down.
func BenchmarkBody(b *testing.B) {
	workers := NewWorkers(64, nil)
	defer workers.Close()
	addr := listen(b, &ServerConfig{Workers: workers}, echo)
	cc := dial(b, addr, &ClientConfig{Workers: workers})
	const size = 1 << 20
	body := make([]byte, 64<<10)
	req := request("POST", addr, "/")
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		cs, err := cc.Open(req, false)
		if err != nil {
			b.Fatal(err)
		}
		sent := make(chan error, 1)
		go func() {
			for n := 0; n < size; n += len(body) {
				if err := cs.WriteData(body, n+len(body) == size); err != nil {
					sent <- err
					return
				}
			}
			sent <- nil
		}()
		var resp message.Response
		if err := cs.ReadHead(&resp, nil); err != nil {
			b.Fatal(err)
		}
		n := 0
		for {
			p, err := resp.Body.Next()
			n += len(p)
			if err != nil {
				break
			}
		}
		if err := <-sent; err != nil || n != size {
			b.Fatal(n, err)
		}
		resp.Body.Close()
		cs.Close()
	}
}

// BenchmarkIdle reports what a connection holds that has served a request and waits.
func BenchmarkIdle(b *testing.B) {
	addr := listen(b, &ServerConfig{}, hello())
	req := request("GET", addr, "/index", "user-agent", "bench", "accept", "*/*")
	var before, after runtime.MemStats
	const conns = 500
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range conns {
			var resp message.Response
			exchangeOnce(b, dial(b, addr, &ClientConfig{}), req, &resp, nil)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	held := int64(after.HeapInuse+after.StackInuse) - int64(before.HeapInuse+before.StackInuse)
	b.ReportMetric(float64(held)/conns/2, "bytes/conn")
}

// BenchmarkFrames compares reading small frames in place with x/net's Framer, which this package started from.
func BenchmarkFrames(b *testing.B) {
	var wire []byte
	for range 64 {
		wire = appendFrameHeader(wire, 40, frameHeaders, flagEndHeaders|flagEndStream, 1)
		wire = append(wire, make([]byte, 40)...)
		wire = appendWindowUpdate(wire, 0, 100)
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		n := 0
		for b.Loop() {
			var in input
			in.init(bytes.NewReader(wire), func() {})
			for {
				if in.need(frameHeaderLen) != nil {
					break
				}
				h := parseFrameHeader(in.next(frameHeaderLen))
				_ = in.need(int(h.length))
				n += len(in.next(int(h.length)))
			}
			in.release()
		}
	})
	b.Run("x-net", func(b *testing.B) {
		b.ReportAllocs()
		n := uint32(0)
		for b.Loop() {
			fr := xhttp2.NewFramer(nil, bytes.NewReader(wire))
			fr.SetReuseFrames()
			for {
				f, err := fr.ReadFrame()
				if err != nil {
					break
				}
				n += f.Header().Length
			}
		}
	})
}
