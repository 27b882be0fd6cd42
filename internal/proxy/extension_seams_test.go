package proxy_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

const upgradeChat = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// TestTunnelsPassFilters: an answer that opens a tunnel is one of a head only, for filters that look at it, hold it back
// or ask for its body, whatever carries the tunnel.
func TestTunnelsPassFilters(t *testing.T) {
	// The client speaks first: a head that waits for the backend's first bytes would wait for ever.
	quiet := func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n")
		_, _ = io.Copy(c.Conn, c.r)
	}
	for _, protocol := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
		t.Run(protocol.String(), func(t *testing.T) {
			backend := rawBackend(t, quiet)
			if protocol == lbv1.BackendProtocol_H2C {
				backend = http2Backend(t, quietTunnelStream)
			}
			e := &ends{}
			f := one("looker", filterFuncs{
				request: func(extension.Exchange, *extension.Request) error { e.start(); return nil },
				response: func(r *extension.Response) error {
					if r.Status() != 101 || r.HasBody() {
						t.Errorf("the filter saw %d, a body: %v", r.Status(), r.HasBody())
					}
					r.Hold()
					return r.Set("x-changed", []byte("yes"))
				},
				end: e.end,
			})
			r := newFilterRig(t, []string{backend}, traffic(f), func(m *model) { m.service.Protocol = protocol })
			c := r.dial()
			c.say(upgradeChat)
			if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 101") || !strings.Contains(head, "x-changed: yes") {
				t.Fatalf("got %q", head)
			}
			c.say("hello")
			got := make([]byte, 5)
			if _, err := io.ReadFull(c.r, got); err != nil || string(got) != "hello" {
				t.Fatalf("%q came back, %v", got, err)
			}
			_ = c.Close()
			e.all(t)
		})
	}
}

// TestFilterLeavesAnAnswerItReads has a filter still read the backend's answer when its own is out. It is told that the
// exchange has ended, and nobody reads a connection that others use.
func TestFilterLeavesAnAnswerItReads(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begun")
		_ = http.NewResponseController(w).Flush()
		if r.Header.Get("X-Skip") == "" {
			<-r.Context().Done() // the rest never comes
		}
	})
	eachPairing(t, func(t *testing.T, version int, protocol lbv1.BackendProtocol) {
		e := &ends{}
		chains := traffic(extension.Extension{Name: "reader", New: func(extension.Exchange) extension.Filter {
			e.start()
			running := &sync.WaitGroup{}
			return &filterFuncs{
				response: func(r *extension.Response) error {
					src, began := r.Body(), make(chan struct{})
					running.Go(func() {
						_, _ = src.Next()
						close(began)
						for err := error(nil); err == nil; {
							_, err = src.Next()
						}
					})
					<-began
					return r.SetBody(&pieces{[]string{"own"}}, message.UnknownLength)
				},
				end: func(o extension.Outcome) {
					running.Wait()
					e.end(o)
				},
			}
		}})
		r := newFilterRig(t, []string{backend}, chains, func(m *model) { m.service.Protocol = protocol })
		c := netClient(t, version)
		for range 5 {
			if got := ask(c, r, false, "x"); got.err != nil || got.body != "own" {
				t.Fatalf("%+v", got)
			}
			if got := ask(c, r, true, "x"); got.err != nil || got.body != "begun" {
				t.Fatalf("the next one: %+v", got)
			}
		}
		e.all(t)
	})
}

// TestNothingIsReadAfterTheEnd: a filter that asks for more of a body when the exchange is over gets an error, and does not
// wait for the client.
func TestNothingIsReadAfterTheEnd(t *testing.T) {
	e := &ends{}
	chains := traffic(extension.Extension{Name: "late", New: func(x extension.Exchange) extension.Filter {
		e.start()
		running, over := &sync.WaitGroup{}, make(chan struct{})
		return &filterFuncs{
			x: x,
			request: func(_ extension.Exchange, q *extension.Request) error {
				src := q.Body()
				running.Go(func() {
					<-over
					_, _ = src.Next()
				})
				return &extension.LocalReply{Status: 418}
			},
			end: func(o extension.Outcome) {
				close(over)
				running.Wait()
				e.end(o)
			},
		}
	}})
	r := newFilterRig(t, []string{"127.0.0.1:1"}, chains, nil)
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	if res, _ := c.answer(t, "POST"); res.StatusCode != 418 {
		t.Errorf("status %d", res.StatusCode)
	}
	e.all(t)
}

// TestHeldAnswersFailAsOthers: who breaks an answer whose head is held back gets the blame for it.
func TestHeldAnswersFailAsOthers(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
	})
	f := one("holder", filterFuncs{response: func(r *extension.Response) error { r.Hold(); return nil }})
	r := newFilterRig(t, []string{backend}, traffic(f), nil)
	if res, _ := r.get("/"); res.StatusCode != 502 {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestRepliedBodiesKeepConnections: what a filter does to a request's body ends no connection of a client whose request
// has come whole.
func TestRepliedBodiesKeepConnections(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	f := one("replacer", filterFuncs{request: func(_ extension.Exchange, q *extension.Request) error {
		return q.SetBody(extension.NewLiteral([]byte("own")), 3)
	}})
	r := newFilterRig(t, []string{backend}, traffic(f), nil)
	c := r.dial()
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: a\r\n\r\n",
	} {
		c.say(request)
		if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "own" || res.Close {
			t.Fatalf("%q: status %d, %q, close: %v", request, res.StatusCode, body, res.Close)
		}
	}
}

// TestClientsBreakBodiesThatFiltersRead: a body that cannot be read is the client's fault, whoever reads it.
func TestClientsBreakBodiesThatFiltersRead(t *testing.T) {
	f := one("reader", filterFuncs{request: func(_ extension.Exchange, q *extension.Request) error {
		src := q.Body()
		for {
			if _, err := src.Next(); err == io.EOF {
				return nil
			} else if err != nil {
				return err
			}
		}
	}})
	r := newFilterRig(t, []string{httpBackend(t, echoTail)}, traffic(f), nil)
	c := r.dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
	if res, _ := c.answer(t, "POST"); res.StatusCode != 400 {
		t.Errorf("status %d", res.StatusCode)
	}
}
