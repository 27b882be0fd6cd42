package http2

import (
	"fmt"
	"strings"
	"testing"

	xhttp2 "golang.org/x/net/http2"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

func TestClientReadsAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		method string
		script func(p *rawPeer, id uint32)
		want   string
	}{
		{"plain", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "5")
			_ = p.fr.WriteData(id, true, []byte("hello"))
		}, `200 5 "hello" map[] []`},
		{"no body", "GET", func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "404") }, `404 0 "" map[] []`},
		{"informational", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "100")
			_ = p.headers(id, false, ":status", "103", "link", "</x>")
			_ = p.headers(id, true, ":status", "200")
		}, `200 0 "" map[] [100 103]`},
		{"trailers", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.headers(id, true, "grpc-status", "0", "content-length", "9")
		}, `200 -1 "x" map[grpc-status:0] []`},
		{"trailers without body", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, true, "grpc-status", "5")
		}, `200 -1 "" map[grpc-status:5] []`},
		{"padded", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "3")
			_ = p.fr.WriteDataPadded(id, true, []byte("abc"), make([]byte, 100))
		}, `200 3 "abc" map[] []`},
		{"head with length", "HEAD", func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "content-length", "5")
		}, `200 0 "" map[] []`},
		{"304 with length", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "304", "content-length", "5")
		}, `304 0 "" map[] []`},
		{"whole answer, then reset without error", "GET", func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "413")
			_ = p.fr.WriteData(id, true, []byte("no"))
			_ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeNo)
		}, `413 -1 "no" map[] []`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			a := roundTrip(cc, request(tt.method, "a.example", "/"))
			if a.err != nil {
				t.Fatal(a.err)
			}
			got := fmt.Sprintf("%d %d %q %v %v", a.resp.Status, a.resp.ContentLength, a.body, a.trailers, a.informs)
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// TestAnswersThatHaveEndedBeforeTheyAreRead: an empty DATA may end an answer before anybody looks at its head, and what says
// that there is no body says how long it is.
func TestAnswersThatHaveEndedBeforeTheyAreRead(t *testing.T) {
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		id := p.awaitHeaders()
		_ = p.headers(id, false, ":status", "200")
		_ = p.fr.WriteData(id, true, nil)
		p.until(closed)
	})
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	eventually(t, func() bool { return cc.Streams() == 0 })
	var res message.Response
	if err := cs.ReadHead(&res, nil); err != nil || res.Body != nil || res.ContentLength != 0 {
		t.Errorf("body %v, length %d, %v", res.Body, res.ContentLength, err)
	}
}

// TestClientRefusesAnswers: a bad answer is an error with its reason, and never a clean end.
func TestClientRefusesAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		reason Reason
		script func(p *rawPeer, id uint32)
	}{
		{"no status", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, "x", "y") }},
		{"status of two digits", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "20") }},
		{"status with letters", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "2x0") }},
		{"status twice", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", ":status", "200")
		}},
		{"request pseudo-header", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", ":path", "/")
		}},
		{"101", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, false, ":status", "101") }},
		{"100 with end", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "100") }},
		{"connection", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "connection", "close")
		}},
		{"transfer-encoding", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "transfer-encoding", "chunked")
		}},
		{"line break in value", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "x", "a\r\nb")
		}},
		{"DATA before head", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, []byte("x")) }},
		{"body short", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "5")
			_ = p.fr.WriteData(id, true, []byte("x"))
		}},
		{"body long", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200", "content-length", "1")
			_ = p.fr.WriteData(id, true, []byte("xyz"))
		}},
		{"no body where declared", ReasonContentLength, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "content-length", "1")
		}},
		{"status beyond 599", ReasonMalformed, func(p *rawPeer, id uint32) { _ = p.headers(id, true, ":status", "600") }},
		{"length with 204", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "204", "content-length", "1")
		}},
		{"trailers without end", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, false, "x", "y")
		}},
		{"pseudo-header in trailers", ReasonMalformed, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.headers(id, true, ":status", "200")
		}},
		{"flood of informational answers", ReasonInformationFlood, func(p *rawPeer, id uint32) {
			for range 100 {
				_ = p.headers(id, false, ":status", "103")
			}
		}},
		{"header list too large", ReasonHeaderListSize, func(p *rawPeer, id uint32) {
			_ = p.headers(id, true, ":status", "200", "x", strings.Repeat("x", 10000), "y", strings.Repeat("x", 4000))
		}},
		{"reset", ReasonPeerReset, func(p *rawPeer, id uint32) { _ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeInternal) }},
		{"reset within the body", ReasonPeerReset, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeInternal)
		}},
		{"connection lost within the body", ReasonPeerGone, func(p *rawPeer, id uint32) {
			_ = p.headers(id, false, ":status", "200")
			_ = p.fr.WriteData(id, false, []byte("x"))
			_ = p.nc.Close()
		}},
		{"answer to a stream never opened", ReasonStreamID, func(p *rawPeer, id uint32) {
			_ = p.headers(id+2, true, ":status", "200")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{Limits: Limits{MaxHeaderListBytes: 12000}}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			a := roundTrip(cc, request("GET", "a.example", "/"))
			if a.err == nil || ReasonOf(a.err) != tt.reason || IsRetryable(a.err) {
				t.Errorf("%v (retryable %v), want %s", a.err, IsRetryable(a.err), tt.reason)
			}
		})
	}
}

// TestBodilessAnswersEndWithTheirHead, whatever follows.
func TestBodilessAnswersEndWithTheirHead(t *testing.T) {
	for _, tt := range []struct{ method, status, length string }{
		{"HEAD", "200", "7"}, {"GET", "204", "0"}, {"GET", "304", "7"},
	} {
		for _, follow := range []func(p *rawPeer, id uint32){
			func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, nil) },
			func(p *rawPeer, id uint32) { _ = p.fr.WriteData(id, true, []byte("body")) },
			func(p *rawPeer, id uint32) { _ = p.headers(id, true, "x-trailer", "v") },
		} {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				for range 2 {
					id := p.awaitHeaders()
					_ = p.headers(id, false, ":status", tt.status, "content-length", tt.length)
					follow(p, id)
				}
				p.until(closed)
			})
			for range 2 {
				cs, err := cc.Open(request(tt.method, "a.example", "/"), true)
				if err != nil {
					t.Fatal(err)
				}
				var res message.Response
				if err := cs.ReadHead(&res, nil); err != nil || res.Body != nil || res.ContentLength != 0 {
					t.Errorf("%s %s: %v, body %v, length %d", tt.method, tt.status, err, res.Body, res.ContentLength)
				}
				if _, said := res.Header.Get(header.ContentLength); said == (tt.status == "204") {
					t.Errorf("%s %s: content-length %v", tt.method, tt.status, said)
				}
				cs.Close()
			}
		}
	}
}
