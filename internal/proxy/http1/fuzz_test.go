package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// FuzzRequest: what this parser accepts, net/http accepts with the same boundaries, method, host and body; what net/http
// refuses, this parser refuses.
func FuzzRequest(f *testing.F) {
	for _, s := range requestSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		var req message.Request
		mine := append([]byte(nil), wire...)
		head, bad := ParseRequest(mine, 0, &testLimits, &req)
		if bad != nil || head.Bytes == 0 {
			return
		}
		body, left, err := requestBody(mine[head.Bytes:], head, &req)
		wire = bytes.TrimPrefix(wire, []byte("\r\n"))
		r := bufio.NewReaderSize(bytes.NewReader(wire), len(wire)+16)
		theirs, theirErr := http.ReadRequest(r)
		if theirErr != nil {
			if strings.Contains(theirErr.Error(), "invalid URL escape") {
				return // net/url's view of % is not one of message boundaries
			}
			t.Fatalf("net/http refuses: %v", theirErr)
		}
		theirBody, theirBodyErr := io.ReadAll(theirs.Body)
		switch {
		case string(req.Method) != theirs.Method:
			t.Fatalf("method %q, net/http %q", req.Method, theirs.Method)
		case string(req.Authority) != strings.ToLower(theirs.Host):
			t.Fatalf("host %q, net/http %q", req.Authority, theirs.Host)
		case err == nil && theirBodyErr != nil:
			t.Fatalf("net/http refuses the body: %v", theirBodyErr)
		case err == nil && body != string(theirBody):
			t.Fatalf("body %q, net/http %q", body, theirBody)
		}
		if err == nil {
			rest, _ := io.ReadAll(r)
			if left != string(rest) {
				t.Fatalf("left %q, net/http %q", left, rest)
			}
			roundTripRequest(t, &req, body)
		}
	})
}

// requestBody reads a request's body from what follows the head.
func requestBody(rest []byte, head RequestHead, req *message.Request) (body, left string, err error) {
	src := &feed{buf: rest}
	var b Body
	if head.Chunked {
		b.ResetChunked(src, &testLimits, nil)
	} else {
		b.ResetLength(src, req.ContentLength, &testLimits, nil)
	}
	body, err = readAll(&b)
	b.Close()
	return body, string(src.buf), err
}

// roundTripRequest: net/http reads exactly what AppendRequest writes, and nothing is left over.
func roundTripRequest(t *testing.T, req *message.Request, body string) {
	t.Helper()
	out := AppendRequest(nil, req)
	if req.ContentLength == message.UnknownLength {
		if len(body) > 0 {
			out = append(append(AppendChunkHead(out, len(body)), body...), "\r\n"...)
		}
		out = AppendLastChunk(out, nil)
	} else {
		out = append(out, body...)
	}
	r := bufio.NewReader(bytes.NewReader(out))
	got, err := http.ReadRequest(r)
	if err != nil {
		if strings.Contains(err.Error(), "invalid URL escape") {
			return
		}
		t.Fatalf("what we send is refused: %v\n%q", err, out)
	}
	gotBody, err := io.ReadAll(got.Body)
	if err != nil || string(gotBody) != body || got.Method != string(req.Method) || r.Buffered() != 0 {
		t.Fatalf("what we send is read as %s %q, %v, %d bytes left\n%q", got.Method, gotBody, err, r.Buffered(), out)
	}
	for i := range req.Header.Len() {
		f := req.Header.At(i)
		switch f.ID {
		case header.ContentLength, header.TransferEncoding, header.Host:
			continue
		}
		if !contains(got.Header.Values(string(f.Name)), string(f.Value)) {
			t.Fatalf("field %q: %q is lost\n%q", f.Name, f.Value, out)
		}
	}
}

func contains(list []string, v string) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

// FuzzResponse: the same for answers.
func FuzzResponse(f *testing.F) {
	for _, s := range responseSeeds {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, wire []byte, isHead bool) {
		var res message.Response
		mine := append([]byte(nil), wire...)
		head, bad := ParseResponse(mine, 0, &testLimits, Asked{Head: isHead}, &res)
		if bad != nil || head.Bytes == 0 || res.Status < 200 {
			return
		}
		body, left, err := responseBody(mine[head.Bytes:], head, &res)
		method := "GET"
		if isHead {
			method = "HEAD"
		}
		r := bufio.NewReaderSize(bytes.NewReader(wire), len(wire)+16)
		theirs, theirErr := http.ReadResponse(r, &http.Request{Method: method})
		if theirErr != nil {
			t.Fatalf("net/http refuses: %v", theirErr)
		}
		theirBody, theirBodyErr := io.ReadAll(theirs.Body)
		switch {
		case res.Status != theirs.StatusCode:
			t.Fatalf("status %d, net/http %d", res.Status, theirs.StatusCode)
		case err == nil && theirBodyErr != nil && (bytes.Contains(wire, []byte(" ;")) || bytes.Contains(wire, []byte("\t;"))):
			return // net/http does not know the space that may be before a chunk's extension
		case err == nil && theirBodyErr != nil:
			t.Fatalf("net/http refuses the body: %v", theirBodyErr)
		case err == nil && body != string(theirBody):
			t.Fatalf("body %q, net/http %q", body, theirBody)
		}
		if err == nil {
			if rest, _ := io.ReadAll(r); left != string(rest) {
				t.Fatalf("left %q, net/http %q", left, rest)
			}
			roundTripResponse(t, &res, body, isHead)
		}
	})
}

func responseBody(rest []byte, head ResponseHead, res *message.Response) (body, left string, err error) {
	src := &feed{buf: rest}
	var b Body
	switch {
	case head.Chunked:
		b.ResetChunked(src, &testLimits, nil)
	case head.UntilClose:
		b.ResetUntilClose(src, &testLimits, nil)
	default:
		b.ResetLength(src, res.ContentLength, &testLimits, nil)
	}
	b.OfAnswer()
	body, err = readAll(&b)
	b.Close()
	return body, string(src.buf), err
}

// roundTripResponse: net/http reads exactly what AppendResponse writes.
func roundTripResponse(t *testing.T, res *message.Response, body string, isHead bool) {
	t.Helper()
	out := AppendResponse(nil, res, Reply{Minor: 1, Head: isHead, KeepAlive: true})
	bodyless := !message.HasBody(isHead, res.Status)
	switch {
	case bodyless:
	case res.ContentLength == message.UnknownLength:
		if len(body) > 0 {
			out = append(append(AppendChunkHead(out, len(body)), body...), "\r\n"...)
		}
		out = AppendLastChunk(out, nil)
	default:
		out = append(out, body...)
	}
	method := "GET"
	if isHead {
		method = "HEAD"
	}
	r := bufio.NewReader(bytes.NewReader(out))
	got, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("what we send is refused: %v\n%q", err, out)
	}
	gotBody, err := io.ReadAll(got.Body)
	if err != nil || string(gotBody) != body || got.StatusCode != res.Status || r.Buffered() != 0 || got.Close {
		t.Fatalf("what we send is read as %d %q, %v\n%q", got.StatusCode, gotBody, err, out)
	}
}

// FuzzIncremental: a head that arrives in two parts means the same as in one.
func FuzzIncremental(f *testing.F) {
	for _, s := range requestSeeds {
		f.Add([]byte(s), 10)
	}
	f.Fuzz(func(t *testing.T, wire []byte, cut int) {
		if cut < 0 || cut > len(wire) {
			return
		}
		var whole, parts message.Request
		headWhole, badWhole := ParseRequest(append([]byte(nil), wire...), 0, &testLimits, &whole)
		buf := append([]byte(nil), wire...)
		head, bad := ParseRequest(buf[:cut], 0, &testLimits, &parts)
		if bad == nil && head.Bytes == 0 {
			head, bad = ParseRequest(buf, cut, &testLimits, &parts)
		}
		if (bad == nil) != (badWhole == nil) && headWhole.Bytes > 0 && headWhole.Bytes <= len(wire) && badWhole == nil {
			t.Fatalf("in one: %v, in two: %v", badWhole, bad)
		}
		if bad == nil && badWhole == nil && head != headWhole {
			t.Fatalf("in one: %+v, in two: %+v", headWhole, head)
		}
	})
}

var requestSeeds = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	"POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET",
	"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: v\r\n\r\nGET",
	"GET http://a.example:80/x HTTP/1.1\r\nHost: b\r\nConnection: close, x\r\nX: y\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
	"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTE: trailers\r\nContent-Length: 1\r\n\r\na",
}

var responseSeeds = []string{
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP",
	"HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: v\r\n\r\nHTTP",
	"HTTP/1.0 200 OK\r\n\r\nuntil the end",
	"HTTP/1.2 200 OK\r\nX : y\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n1 ; x\r\n!\r\n0\r\nContent-Length: 2\r\n\r\nHTTP",
	"HTTP/1.1 204 No Content\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
}
