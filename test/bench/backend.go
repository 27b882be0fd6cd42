package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// serveBackend answers every request with as many bytes as its path's last part says, as cheaply as Go can.
func serveBackend(args []string) error {
	f := flag.NewFlagSet("backend", flag.ExitOnError)
	port := f.Int("listen", 0, "port")
	h2 := f.Bool("h2c", false, "HTTP/2 with prior knowledge")
	grpc := f.Bool("grpc", false, "answers are gRPC messages")
	_ = f.Parse(args)
	debug.SetGCPercent(400)
	l, err := net.Listen("tcp", address(*port))
	if err != nil {
		return err
	}
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		if *h2 {
			go serveHTTP2(c, *grpc)
		} else {
			go serveHTTP1(c)
		}
	}
}

// answers are built once for each size.
type answers map[int][]byte

func (a answers) get(size int) []byte {
	b, ok := a[size]
	if !ok {
		b = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: bench\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", size)
		b = append(b, bytes.Repeat([]byte("x"), size)...)
		a[size] = b
	}
	return b
}

func serveHTTP1(c net.Conn) {
	defer c.Close()
	r := bufio.NewReaderSize(c, 64<<10)
	known := make(answers)
	for {
		size, length, err := readRequest(r)
		if err != nil {
			return
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		if _, err := c.Write(known.get(size)); err != nil {
			return
		}
	}
}

// readRequest reads a head: the size it asks for and the length of its body. A chunked body is read whole.
func readRequest(r *bufio.Reader) (size, length int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	size = sizeOf(line)
	chunked := false
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
			length, err = strconv.Atoi(string(bytes.TrimSpace(value)))
		case len(name) == 17 && bytes.EqualFold(name, []byte("transfer-encoding")):
			chunked = true
		}
		if err != nil {
			return 0, 0, err
		}
	}
	if chunked {
		err = discardChunks(r)
	}
	return size, length, err
}

// sizeOf reads the number after the last slash of a request's path.
func sizeOf(line []byte) int {
	path, _, _ := bytes.Cut(line[bytes.IndexByte(line, ' ')+1:], []byte(" "))
	n, _ := strconv.Atoi(string(path[bytes.LastIndexByte(path, '/')+1:]))
	return n
}

func discardChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := r.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
}

// http2Conn is a lean HTTP/2 server: it answers when a request's last frame has come, and flushes when nothing more
// is waiting to be read.
type http2Conn struct {
	framer  *http2.Framer
	reader  *bufio.Reader
	writer  *bufio.Writer
	grpc    bool
	decoder *hpack.Decoder
	size    int
	block   bytes.Buffer
	encoder *hpack.Encoder
	// sizes of requests whose bodies are still coming.
	sizes map[uint32]int
	body  []byte
	// consumed counts bytes of bodies since the last window update.
	consumed uint32
}

func serveHTTP2(c net.Conn, grpc bool) {
	defer c.Close()
	s := &http2Conn{
		reader: bufio.NewReaderSize(c, 64<<10), writer: bufio.NewWriterSize(c, 64<<10),
		grpc: grpc, sizes: make(map[uint32]int),
	}
	s.framer = http2.NewFramer(s.writer, s.reader)
	s.framer.SetReuseFrames()
	s.encoder = hpack.NewEncoder(&s.block)
	s.decoder = hpack.NewDecoder(4096, func(f hpack.HeaderField) {
		if f.Name == ":path" {
			s.size, _ = strconv.Atoi(f.Value[bytes.LastIndexByte([]byte(f.Value), '/')+1:])
		}
	})
	if _, err := io.CopyN(io.Discard, s.reader, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	const window = 1 << 30
	err := s.framer.WriteSettings(
		http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1000},
		http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	if err == nil {
		err = s.framer.WriteWindowUpdate(0, window)
	}
	for err == nil {
		err = s.step()
	}
}

func (s *http2Conn) step() error {
	if s.reader.Buffered() == 0 {
		if err := s.writer.Flush(); err != nil {
			return err
		}
	}
	frame, err := s.framer.ReadFrame()
	if err != nil {
		return err
	}
	switch f := frame.(type) {
	case *http2.SettingsFrame:
		if size, ok := f.Value(http2.SettingHeaderTableSize); ok {
			s.encoder.SetMaxDynamicTableSizeLimit(size)
		}
		if !f.IsAck() {
			return s.framer.WriteSettingsAck()
		}
	case *http2.PingFrame:
		if !f.IsAck() {
			return s.framer.WritePing(true, f.Data)
		}
	case *http2.HeadersFrame:
		if _, err := s.decoder.Write(f.HeaderBlockFragment()); err != nil {
			return err
		}
		if f.StreamEnded() {
			return s.answer(f.StreamID, s.size)
		}
		s.sizes[f.StreamID] = s.size
	case *http2.DataFrame:
		// The connection's window is huge: one update for many requests.
		if s.consumed += uint32(len(f.Data())); s.consumed > 1<<28 {
			if err := s.framer.WriteWindowUpdate(0, s.consumed); err != nil {
				return err
			}
			s.consumed = 0
		}
		if f.StreamEnded() {
			size := s.sizes[f.StreamID]
			delete(s.sizes, f.StreamID)
			return s.answer(f.StreamID, size)
		}
	}
	return nil
}

// answer assumes that the peer's windows are large; bodies of the HTTP/2 cases are small.
func (s *http2Conn) answer(stream uint32, size int) error {
	s.block.Reset()
	fields := []hpack.HeaderField{{Name: ":status", Value: "200"}, {Name: "content-type", Value: "text/plain"}}
	if s.grpc {
		fields[1].Value = "application/grpc"
		size += 5
	} else {
		fields = append(fields, hpack.HeaderField{Name: "content-length", Value: strconv.Itoa(size)})
	}
	for _, f := range fields {
		_ = s.encoder.WriteField(f)
	}
	err := s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: s.block.Bytes(), EndHeaders: true})
	if err == nil {
		err = s.framer.WriteData(stream, !s.grpc, s.message(size))
	}
	if err == nil && s.grpc {
		s.block.Reset()
		_ = s.encoder.WriteField(hpack.HeaderField{Name: "grpc-status", Value: "0"})
		err = s.framer.WriteHeaders(http2.HeadersFrameParam{
			StreamID: stream, BlockFragment: s.block.Bytes(), EndHeaders: true, EndStream: true,
		})
	}
	return err
}

func (s *http2Conn) message(size int) []byte {
	if len(s.body) < size {
		s.body = bytes.Repeat([]byte("x"), size)
	}
	b := s.body[:size]
	if s.grpc {
		n := size - 5
		copy(b, []byte{0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
	}
	return b
}
