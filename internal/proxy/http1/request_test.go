package http1

import (
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

var testLimits = Limits{}.WithDefaults()

// parseOne parses a head as a client sent it.
func parseOne(text string) (*message.Request, RequestHead, *Refusal) {
	req := &message.Request{}
	head, bad := ParseRequest([]byte(text), 0, &testLimits, req)
	return req, head, bad
}

// okHead is the start of a head that is fine so far.
const okHead = "GET / HTTP/1.1\r\nHost: a\r\n"

var refusedRequests = []struct{ reason, text string }{
	// Lines.
	{"bare_lf", "GET / HTTP/1.1\nHost: a\n\n"},
	{"bare_lf", "GET / HTTP/1.1\r\nHost: a\n\r\n"},
	{"bare_lf", okHead + "X: a\nY: b\r\n\r\n"},
	{"bare_cr", okHead + "X: a\rb\r\n\r\n"},
	{"folded_header", okHead + " folded\r\n\r\n"},
	{"folded_header", okHead + "X: a\r\n\tb\r\n\r\n"},
	{"space_before_colon", okHead + "Content-Length : 3\r\n\r\n"},
	{"space_before_colon", okHead + "Transfer-Encoding\t: chunked\r\n\r\n"},
	{"invalid_header_name", okHead + ": x\r\n\r\n"},
	{"invalid_header_name", okHead + "X\x00: x\r\n\r\n"},
	{"invalid_header_name", okHead + "no-colon\r\n\r\n"},
	{"invalid_header_name", okHead + "\xc3\xa9: x\r\n\r\n"},
	{"invalid_header_value", okHead + "X: a\x00b\r\n\r\n"},
	{"invalid_header_value", okHead + "X: a\x7fb\r\n\r\n"},
	{"invalid_header_value", okHead + "X: 0123456789\x01\r\n\r\n"},
	// Request line.
	{"invalid_method", "G\x01T / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_method", " GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_request_line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_request_line", "GET / HTTP/1.1 \r\nHost: a\r\n\r\n"},
	{"invalid_request_line", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_request_line", "GET /\r\n\r\n"},
	{"invalid_request_line", "GET / http/1.1\r\nHost: a\r\n\r\n"},
	{"http_version_not_supported", "GET / HTTP/2.0\r\nHost: a\r\n\r\n"},
	{"http_version_not_supported", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"},
	{"http_version_not_supported", "GET / HTTP/0.9\r\nHost: a\r\n\r\n"},
	{"invalid_target", "GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_target", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_target", "GET a HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_target", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_target", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_host", "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"connect_not_supported", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"},
	// Host.
	{"missing_host", "GET / HTTP/1.1\r\n\r\n"},
	{"multiple_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
	{"multiple_hosts", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: a%zz\r\n\r\n"},
	{"invalid_host", "GET http://a,b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: :80\r\n\r\n"},
	{"invalid_host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
	// Framing.
	{"content_length_with_transfer_encoding", okHead + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"content_length_with_transfer_encoding", okHead + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
	{"repeated_content_length", okHead + "Content-Length: 3\r\nContent-Length: 3\r\n\r\n"},
	{"repeated_content_length", okHead + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length: 3, 3\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length: +3\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length: -1\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length: 0x3\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length:\r\n\r\n"},
	{"invalid_content_length", okHead + "Content-Length: 99999999999999999999\r\n\r\n"},
	{"repeated_transfer_encoding", okHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: xchunked\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: chunked, identity\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: chunked, chunked\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: identity\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: \"chunked\"\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: chunked,\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: ,chunked\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: ,gzip, chunked\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding:\r\n\r\n"},
	{"invalid_transfer_encoding", okHead + "Transfer-Encoding: gzip\r\n\r\n"},
	{"unsupported_transfer_encoding", okHead + "Transfer-Encoding: gzip, chunked\r\n\r\n"},
	{"transfer_encoding_in_http_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
	{"unknown_expectation", okHead + "Expect: miracles\r\n\r\n"},
	{"too_many_connection_options", okHead + "Connection: a,b,c,d,e,f,g,h,i\r\n\r\n"},
	// Limits.
	{"too_many_headers", okHead + strings.Repeat("X: y\r\n", 100) + "\r\n"},
	{"header_too_large", okHead + "X: " + strings.Repeat("y", 61<<10) + "\r\n\r\n"},
	{"header_too_large", okHead + "X: " + strings.Repeat("y", 61<<10)},
	{"uri_too_long", "GET /" + strings.Repeat("y", 9<<10) + " HTTP/1.1\r\nHost: a\r\n\r\n"},
	{"uri_too_long", "GET /" + strings.Repeat("y", 9<<10)},
}

func TestRefusedRequests(t *testing.T) {
	for _, c := range refusedRequests {
		_, head, bad := parseOne(c.text)
		switch {
		case bad == nil:
			t.Errorf("%.80q: accepted (%d bytes), want %s", c.text, head.Bytes, c.reason)
		case bad.Reason != c.reason:
			t.Errorf("%.80q: %s, want %s", c.text, bad.Reason, c.reason)
		}
	}
}

func TestAcceptedRequests(t *testing.T) {
	for _, c := range []struct{ text, authority, path string }{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "a", "/"},
		{"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "a", "/"},
		{"GET /x?a=b HTTP/1.1\r\nHost: A.Example:80\r\n\r\n", "A.Example:80", "/x?a=b"},
		{"GET http://B.example/y HTTP/1.1\r\nHost: a\r\n\r\n", "B.example", "/y"},
		{"GET HTTP://b.example HTTP/1.1\r\nHost: a\r\n\r\n", "b.example", "/"},
		{"GET https://b.example?q HTTP/1.1\r\nHost: a\r\n\r\n", "b.example", "/?q"},
		{"OPTIONS http://b.example HTTP/1.1\r\nHost: a\r\n\r\n", "b.example", "*"},
		{"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "a", "*"},
		{"GET / HTTP/1.1\r\nHost:\r\n\r\n", "", "/"},
		{"GET / HTTP/1.0\r\n\r\n", "", "/"},
		{"GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "[::1]:8080", "/"},
		{"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", "a", "/\xc3\xa9"},
		{"GET //a//b%2f HTTP/1.1\r\nHost: a\r\n\r\n", "a", "//a//b%2f"},
		{"PURGE / HTTP/1.1\r\nHost: a\r\nX: tab\tand \xff\r\n\r\n", "a", "/"},
	} {
		req, head, bad := parseOne(c.text)
		if bad != nil || head.Bytes != len(c.text) || string(req.Authority) != c.authority || string(req.Path) != c.path {
			t.Errorf("%q: %v %+v %q %q", c.text, bad, head, req.Authority, req.Path)
		}
	}
}

func TestConnectionOfRequests(t *testing.T) {
	for _, c := range []struct {
		text      string
		keepAlive bool
		protocol  string
		fields    int
	}{
		{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, "", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, "", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: Keep-Alive, CLOSE\r\n\r\n", false, "", 0},
		{"GET / HTTP/1.0\r\nHost: a\r\n\r\n", false, "", 0},
		{"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n", true, "", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: X, y\r\nX: 1\r\nY: 2\r\nZ: 3\r\n\r\n", true, "", 1},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", true, "websocket", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", true, "", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", true, "h2c", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", true, "websocket, h2c", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: TLS/1.3\r\n\r\n", true, "tls/1.3", 0},
		{"GET / HTTP/1.1\r\nHost: a\r\nTE: gzip, trailers;q=1\r\nConnection: te\r\n\r\n", true, "", 1},
		{"GET / HTTP/1.1\r\nHost: a\r\nTE: gzip\r\n\r\n", true, "", 0},
	} {
		req, head, bad := parseOne(c.text)
		if bad != nil || head.KeepAlive != c.keepAlive || string(req.Protocol) != c.protocol || req.Header.Len() != c.fields {
			t.Errorf("%q: %v %+v %q %d fields", c.text, bad, head, req.Protocol, req.Header.Len())
		}
	}
}

func TestIncompleteHeads(t *testing.T) {
	const whole = "\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
	searched := 0
	for n := range len(whole) {
		req := &message.Request{}
		head, bad := ParseRequest([]byte(whole[:n]), searched, &testLimits, req)
		if bad != nil || head.Bytes != 0 {
			t.Fatalf("%q: %v %+v", whole[:n], bad, head)
		}
		searched = n
	}
	req := &message.Request{}
	if head, bad := ParseRequest([]byte(whole), searched, &testLimits, req); bad != nil || head.Bytes != len(whole) {
		t.Fatalf("%v %+v", bad, head)
	}
}
