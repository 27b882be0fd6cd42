package proxy_test

import (
	"net"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestOtherUpgradesAreIgnored: the request goes on as any other, and so does its connection.
func TestOtherUpgradesAreIgnored(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0", "foo", "h2c", "tls/1.2", "a b", "foo, bar", "web/1 socket"} {
		for _, backend := range []lbv1.BackendProtocol{lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_H2C} {
			t.Run(protocol+" to "+backend.String(), func(t *testing.T) {
				st := newStage(t, backend, func(a act) {
					seen := ""
					if one, ok := a.(*act1); ok {
						seen = one.q.Header.Get("Upgrade") + one.q.Header.Get("Connection")
					}
					a.head(200)
					a.data(a.method() + seen)
					a.end()
				})
				r := newRig(t, []string{st.addr}, func(m *model) { m.service.Protocol = backend })
				c := r.dial()
				c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: " + protocol + "\r\n\r\n" +
					"POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
				for _, method := range []string{"GET", "POST"} {
					if res, got := c.answer(t, method); res.StatusCode != 200 || got != method {
						t.Errorf("%s: %d %q", method, res.StatusCode, got)
					}
				}
			})
		}
	}
}

// TestAListOfUpgrades: the first that is passed on is what the backend is asked for (RFC 9110 section 7.8), by a client over
// HTTP/1.
func TestAListOfUpgrades(t *testing.T) {
	for _, fields := range []string{
		"Upgrade: websocket, foo", "Upgrade: foo/1 , WebSocket", "Upgrade: ,websocket", "Upgrade: websocket\r\nUpgrade: foo",
	} {
		for _, switches := range []bool{true, false} {
			heads := make(chan string, 1)
			backend := rawBackend(t, func(c *rawConn) {
				heads <- c.head()
				if switches {
					c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
				} else {
					c.say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
				c.gone()
			})
			r := newRig(t, []string{backend}, nil)
			c := r.dial()
			c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n" + fields + "\r\n\r\n")
			if head := <-heads; !strings.Contains(head, "\r\nconnection: upgrade\r\nupgrade: websocket\r\n") {
				t.Errorf("%s: the backend got %q", fields, head)
			}
			want := map[bool]string{true: "HTTP/1.1 101 ", false: "HTTP/1.1 200 "}[switches]
			if head := c.head(); !strings.HasPrefix(head, want) || switches && !strings.Contains(head, "\r\nupgrade: websocket\r\n") {
				t.Errorf("%s: the client got %q", fields, head)
			}
		}
	}
}

func TestAnUpgradeThatIsAllowed(t *testing.T) {
	heads := make(chan string, 1)
	backend := rawBackend(t, func(c *rawConn) {
		heads <- c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: Foo/2\r\n\r\nbytes")
		c.gone()
	})
	r := newRig(t, []string{backend}, func(m *model) { m.target.Upgrades = []string{"FOO/2"} })
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo/2\r\n\r\n")
	if head := <-heads; !strings.Contains(head, "\r\nconnection: upgrade\r\nupgrade: foo/2\r\n") {
		t.Errorf("the backend got %q", head)
	}
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 101 ") {
		t.Errorf("the client got %q", head)
	}
}

// connect asks for a protocol over HTTP/2.
func (r *rig) connect(protocol string) (int, error) {
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		return 0, err
	}
	cc := http2.NewClientConn(nc, &http2.ClientConfig{})
	defer func() { _ = cc.Close() }()
	cs, err := cc.Open(&message.Request{
		Method: []byte("CONNECT"), Protocol: []byte(protocol), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/chat"),
	}, false)
	if err != nil {
		return 0, err
	}
	defer cs.Close()
	var res message.Response
	err = cs.ReadHead(&res, nil)
	return res.Status, err
}

// TestAConnectThatIsNoTunnel: a backend that ignored the upgrade, with success or without, and a protocol that is not passed on.
func TestAConnectThatIsNoTunnel(t *testing.T) {
	for said, want := range map[string]int{"200 OK": 502, "204 No": 502, "403 No": 403, "302 Go": 302} {
		backend := rawBackend(t, func(c *rawConn) {
			c.head()
			c.say("HTTP/1.1 " + said + "\r\nContent-Length: 0\r\n\r\n")
			c.gone()
		})
		if got, err := newRig(t, []string{backend}, nil).connect("websocket"); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", said, got, err, want)
		}
	}
	if got, err := newRig(t, []string{rawBackend(t, tunnelConn)}, nil).connect("foo"); err != nil || got != 501 {
		t.Errorf("foo: %d %v", got, err)
	}
}

// TestAnEmptyBodyHasALength: to servers that answer 411 without.
func TestAnEmptyBodyHasALength(t *testing.T) {
	tellLength := func(a act) {
		q := a.(*act1).q
		a.head(200)
		a.data(strings.Join(append(q.Header["Content-Length"], q.TransferEncoding...), ","))
		a.end()
	}
	for _, kind := range []string{"1.1", "2"} {
		for method, want := range map[string]string{"POST": "0", "PUT": "0", "PATCH": "0", "GET": ""} {
			st := newStage(t, lbv1.BackendProtocol_HTTP, tellLength)
			got, err := callers[kind](t, newRig(t, []string{st.addr}, nil).addr).call(method, "/", "", "", nil)
			if err != nil || got.status != 200 || got.body != want {
				t.Errorf("HTTP/%s %s: %v %d, length %q", kind, method, err, got.status, got.body)
			}
		}
	}
	c := newRig(t, []string{newStage(t, lbv1.BackendProtocol_HTTP, tellLength).addr}, nil).dial()
	c.say("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
	if _, got := c.answer(t, "POST"); got != "0" {
		t.Errorf("no chunks: %q", got)
	}
}
