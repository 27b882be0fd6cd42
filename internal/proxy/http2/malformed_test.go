package http2

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// TestMalformedRequests: requests that an HTTP/1 peer could read differently never reach the handler.
func TestMalformedRequests(t *testing.T) {
	drop := func(name string) []string {
		f := get()
		i := slices.Index(f, name)
		return slices.Delete(f, i, i+2)
	}
	set := func(name, value string) []string {
		f := get()
		f[slices.Index(f, name)+1] = value
		return f
	}
	var addr string
	var ev events
	served := make(chan string, 100)
	addr = listen(t, &ServerConfig{Report: ev.report}, func(st *ServerStream) {
		served <- fmt.Sprintf("%s %s", st.Request().Method, st.Request().Path)
		_ = st.WriteHead(200, nil, true)
	})
	for name, fields := range map[string][]string{
		"no method":                       drop(":method"),
		"no scheme":                       drop(":scheme"),
		"no path":                         drop(":path"),
		"no authority":                    drop(":authority"),
		"empty path":                      set(":path", ""),
		"empty method":                    set(":method", ""),
		"empty authority":                 set(":authority", ""),
		"path without slash":              set(":path", "x"),
		"path with absolute form":         set(":path", "http://a.example/"),
		"asterisk with GET":               set(":path", "*"),
		"path with space":                 set(":path", "/ HTTP/1.1"),
		"path with line break":            set(":path", "/ HTTP/1.1\r\nx: y"),
		"path with fragment":              set(":path", "/#f"),
		"method with space":               set(":method", "GET /x"),
		"method with line break":          set(":method", "GET\r\n"),
		"scheme ftp":                      set(":scheme", "ftp"),
		"authority with user":             set(":authority", "u@a.example"),
		"authority with slash":            set(":authority", "a.example/x"),
		"authority with line break":       set(":authority", "a.example\r\nx: y"),
		"authority with bad port":         set(":authority", "a.example:8x"),
		"authority with two hosts":        set(":authority", "a,b"),
		"authority with port over 65535":  set(":authority", "a:65536"),
		"authority with bad address":      set(":authority", "[:::]"),
		"authority with bad percent":      set(":authority", "a%zz"),
		"authority of a port":             set(":authority", ":80"),
		"authority with stray bracket":    set(":authority", "a]b"),
		"unknown pseudo-header":           get(":foo", "x"),
		"repeated pseudo-header":          append([]string{":method", "GET"}, get()...),
		"pseudo-header after field":       append([]string{"x", "y"}, get()...),
		"status in request":               append([]string{":status", "200"}, get()...),
		"protocol without CONNECT":        append([]string{":protocol", "websocket"}, get()...),
		"plain CONNECT with path":         set(":method", "CONNECT"),
		"upper-case name":                 get("X-Upper", "y"),
		"name with space":                 get("x y", "z"),
		"name with colon":                 get("x:y", "z"),
		"name with line break":            get("x\r\ny", "z"),
		"empty name":                      get("", "z"),
		"value with LF":                   get("x", "y\nz: w"),
		"value with CR":                   get("x", "y\rz"),
		"value with NUL":                  get("x", "y\x00"),
		"value with DEL":                  get("x", "y\x7f"),
		"value with leading space":        get("x", " y"),
		"value with trailing tab":         get("x", "y\t"),
		"connection":                      get("connection", "close"),
		"keep-alive":                      get("keep-alive", "timeout=5"),
		"proxy-connection":                get("proxy-connection", "close"),
		"transfer-encoding":               get("transfer-encoding", "chunked"),
		"upgrade":                         get("upgrade", "h2c"),
		"http2-settings":                  get("http2-settings", "AAMAAABkAAQAAP__"),
		"te other than trailers":          get("te", "gzip"),
		"te trailers and more":            get("te", "trailers, gzip"),
		"host differs":                    get("host", "b.example"),
		"second host differs":             get("host", "a.example", "host", "b.example"),
		"content-length without body":     get("content-length", "5"),
		"content-length not a number":     get("content-length", "5x"),
		"content-length signed":           get("content-length", "+0"),
		"content-length list":             get("content-length", "0, 0"),
		"content-length twice":            get("content-length", "0", "content-length", "0"),
		"content-length too large":        get("content-length", "99999999999999999999"),
		"content-length empty":            get("content-length", ""),
		"host twice, one without :author": append(drop(":authority"), "host", "a.example", "host", "b.example"),
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || len(o.ended) > 0 })
			if code, ok := o.resets[1]; !ok || code != xhttp2.ErrCodeProtocol || len(o.status) > 0 {
				t.Errorf("not refused: %+v", o)
			}
			select {
			case r := <-served:
				t.Errorf("the handler got %q", r)
			default:
			}
		})
	}
}

// TestWellFormedRequests: what must not be refused.
func TestWellFormedRequests(t *testing.T) {
	addr := listen(t, &ServerConfig{}, echo)
	for name, fields := range map[string][]string{
		"plain":                  get(),
		"te trailers":            get("te", "trailers"),
		"same host":              get("host", "A.example"),
		"host only":              {":method", "GET", ":scheme", "http", ":path", "/", "host", "a.example"},
		"options asterisk":       {":method", "OPTIONS", ":scheme", "http", ":path", "*", ":authority", "a.example"},
		"ipv6 authority":         {":method", "GET", ":scheme", "https", ":path", "/", ":authority", "[::1]:80"},
		"obs-text":               get("x", "\xe4\xf6"),
		"empty value":            get("x", ""),
		"content-length 0":       get("content-length", "0"),
		"query with odd letters": {":method", "GET", ":scheme", "http", ":path", "/a?q={\"x\"}|", ":authority", "a"},
		"connect":                {":method", "CONNECT", ":authority", "a.example:443"},
		"expect":                 get("expect", "100-continue"),
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || o.ended[1] })
			if o.status[1] != "200" {
				t.Errorf("%+v", o)
			}
		})
	}
}

// TestContentLengthMismatch: DATA must add up to what was declared, or the stream is reset and the consumer of the
// body gets an error, never a clean end.
func TestContentLengthMismatch(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	results := make(chan result, 1)
	addr := listen(t, &ServerConfig{}, func(st *ServerStream) {
		b, err := readBody(st.Request().Body)
		results <- result{len(b), err}
		if err == nil {
			_ = st.WriteHead(200, nil, true)
		}
	})
	for _, tt := range []struct {
		name     string
		declared string
		chunks   []string
		trailers bool
		ok       bool
	}{
		{"exact", "6", []string{"abc", "def"}, false, true},
		{"exact with trailers", "6", []string{"abcdef"}, true, true},
		{"short", "6", []string{"abc"}, false, false},
		{"short with trailers", "6", []string{"abc"}, true, false},
		{"long", "4", []string{"abc", "def"}, false, false},
		{"long by one", "0", []string{"a"}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, false, post("content-length", tt.declared)...))
			for i, c := range tt.chunks {
				p.must(p.fr.WriteData(1, !tt.trailers && i == len(tt.chunks)-1, []byte(c)))
			}
			if tt.trailers {
				p.must(p.headers(1, true, "x", "y"))
			}
			o := p.until(func(o *outcome) bool { return len(o.resets) > 0 || o.ended[1] })
			r := <-results
			if ok := r.err == nil && o.status[1] == "200"; ok != tt.ok {
				t.Errorf("read %d bytes, %v; %+v", r.n, r.err, o)
			}
			if !tt.ok && ReasonOf(r.err) != ReasonContentLength {
				t.Errorf("reason %s", ReasonOf(r.err))
			}
		})
	}
}

// TestHeaderListSize: too much is answered 431; the connection lives on.
func TestHeaderListSize(t *testing.T) {
	addr := listen(t, &ServerConfig{Limits: Limits{MaxHeaderListBytes: 2000, MaxHeaderFields: 20}}, echo)
	many := get()
	for i := range 30 {
		many = append(many, fmt.Sprintf("x-%d", i), "")
	}
	for name, fields := range map[string][]string{
		"bytes":  get("x", strings.Repeat("x", 3000)),
		"fields": many,
	} {
		t.Run(name, func(t *testing.T) {
			p := rawClient(t, addr)
			p.must(p.headers(1, true, fields...))
			p.must(p.headers(3, true, get()...))
			o := p.until(func(o *outcome) bool { return o.ended[3] })
			if o.status[1] != "431" || o.status[3] != "200" {
				t.Errorf("%+v", o.status)
			}
		})
	}
}
