package downstream

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// patience bounds every wait of these tests.
const patience = time.Minute

// newServer answers 404 to everything: what is tried here is the client's connection.
func newServer(t testing.TB) *Server {
	t.Helper()
	root, err := config.New(config.Location{}).Apply(&lbv1.Transaction{Upserts: []*lbv1.Resource{
		{Name: "proxy", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "map"}}},
		{Name: "map", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "none"}}},
		{Name: "none", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	clock, workers := transport.NewClock(), http2.NewWorkers(4, nil)
	m := metrics.New(metrics.Options{})
	caller := &call.Caller{Clock: clock, Pools: &upstream.Pools{Clock: clock, Workers: workers}, Metrics: m}
	caller.Pools.Start()
	doorman := transport.NewDoorman()
	t.Cleanup(func() {
		doorman.Close()
		caller.Pools.Stop()
		workers.Close()
		clock.Stop()
	})
	return &Server{Workers: workers, Doorman: doorman, Engine: &exchange.Engine{Root: func() *config.Root { return root }, Caller: caller, Metrics: m}}
}

// peer is a client, and what its connection has come to.
type peer struct {
	net.Conn
	t      testing.TB
	r      *bufio.Reader
	s      *Server
	closed atomic.Int64
}

// connect makes a connection that the server serves.
func connect(t testing.TB, s *Server, config *tls.Config) *peer {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	own, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	f := &exchange.Frontend{Name: "rule"}
	f.SetTarget("proxy")
	p := &peer{Conn: nc, t: t, r: bufio.NewReader(nc), s: s}
	go s.Serve(own.(*net.TCPConn), f, config, func() { p.closed.Add(1) })
	until(t, "the connection is known", func() bool { return s.Connections() > 0 })
	return p
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(2 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		case <-ticker.C:
		}
	}
}

func (p *peer) say(s string) { _, _ = io.WriteString(p.Conn, s) }

// answer reads one answer, and whether the connection is said to end with it.
func (p *peer) answer(status int, last bool) {
	p.t.Helper()
	res, err := http.ReadResponse(p.r, &http.Request{Method: "GET"})
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := io.ReadAll(res.Body); err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != status || res.Close != last {
		p.t.Errorf("status %d, the last one: %v; want %d, %v", res.StatusCode, res.Close, status, last)
	}
}

// ends wants the end of the connection with nothing before it, and that the server has let go of it, once.
func (p *peer) ends() {
	p.t.Helper()
	rest, err := io.ReadAll(p.r)
	if len(rest) > 0 {
		p.t.Errorf("more came: %q", rest)
	}
	if ne, ok := err.(net.Error); ok && ne.Timeout() {
		p.t.Error("the connection stayed open")
	}
	_ = p.Close()
	until(p.t, "the server has let go", func() bool { return p.s.Connections() == 0 && p.closed.Load() > 0 })
	if n := p.closed.Load(); n != 1 {
		p.t.Errorf("closed %d times", n)
	}
}

const ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// TestStatesOfConnections takes HTTP/1 connections through their states: new, idle, in a head, in an exchange, at their last
// answer; what is asked of the server in each, and how they end.
func TestStatesOfConnections(t *testing.T) {
	for name, steps := range map[string]func(p *peer){
		"two requests, then the client leaves": func(p *peer) {
			p.say(ask)
			p.answer(404, false)
			p.say(ask)
			p.answer(404, false)
			_ = p.Conn.(*net.TCPConn).CloseWrite()
		},
		"requests in one piece are answered in order": func(p *peer) {
			p.say(ask + "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			p.answer(404, false)
			p.answer(404, true)
		},
		"nothing is read after the last request": func(p *peer) {
			p.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + ask)
			p.answer(404, true)
		},
		"HTTP/1.0 is asked once": func(p *peer) {
			p.say("GET / HTTP/1.0\r\n\r\n")
			p.answer(404, true)
		},
		"HTTP/1.0 that keeps its connection": func(p *peer) {
			for range 2 {
				p.say("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
				p.answer(404, false)
			}
			_ = p.Conn.(*net.TCPConn).CloseWrite()
		},
		"a head in pieces": func(p *peer) {
			p.say("GET / HTTP/1.1\r\nHo")
			p.say("st: a\r\n")
			p.say("\r\n")
			p.answer(404, false)
			p.say("GET")
			_ = p.Conn.(*net.TCPConn).CloseWrite()
		},
		"a head that is none": func(p *peer) {
			p.say("nonsense\r\n\r\n")
			p.answer(400, true)
		},
		"a body that is left behind": func(p *peer) {
			p.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nbegun")
			p.answer(404, true)
		},
		"drained while it is idle": func(p *peer) {
			p.say(ask)
			p.answer(404, false)
			p.s.Drain()
		},
		"drained while it is new: the first request may be on its way": func(p *peer) {
			p.s.Drain()
			p.say(ask)
			p.answer(404, true)
		},
		"drained in a head": func(p *peer) {
			p.say(ask)
			p.answer(404, false)
			p.say("GET / HTTP/1.1\r\n")
			p.s.Drain()
			p.say("Host: a\r\n\r\n")
			p.answer(404, true)
		},
		"aborted while it is idle": func(p *peer) {
			p.say(ask)
			p.answer(404, false)
			p.s.Abort()
		},
		"aborted while it is new": func(p *peer) { p.s.Abort() },
		"aborted in a head": func(p *peer) {
			p.say("GET / HT")
			p.s.Abort()
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := connect(t, newServer(t), nil)
			steps(p)
			p.ends()
		})
	}
}

// TestPrefaceMakesHTTP2: a connection that begins as HTTP/2 goes on as that, and only one that begins so.
func TestPrefaceMakesHTTP2(t *testing.T) {
	p := connect(t, newServer(t), nil)
	p.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
	head := make([]byte, 9)
	if _, err := io.ReadFull(p.r, head); err != nil || head[3] != 4 {
		t.Errorf("no SETTINGS: %x, %v", head, err)
	}
	_ = p.Close()
	until(t, "the server has let go", func() bool { return p.s.Connections() == 0 && p.closed.Load() == 1 })

	p = connect(t, newServer(t), nil)
	p.say(ask)
	p.answer(404, false)
	p.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	if res, err := http.ReadResponse(p.r, nil); err != nil || !strings.HasPrefix(res.Status, "4") && !strings.HasPrefix(res.Status, "5") {
		t.Errorf("%v, %v", res, err)
	}
}

// TestHandshakesEnd: one that fails is counted, one that is aborted is not waited for.
func TestHandshakesEnd(t *testing.T) {
	config := &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, io.EOF }}
	s := newServer(t)
	p := connect(t, s, config)
	p.say("no TLS at all, in so many words")
	until(t, "the server has let go", func() bool { return s.Connections() == 0 && p.closed.Load() == 1 })
	if n := s.Metrics.Frontend("rule").HandshakeFailures.Load(); n != 1 {
		t.Errorf("%d handshakes have failed", n)
	}
	p = connect(t, s, config)
	s.Abort()
	until(t, "the server has let go", func() bool { return s.Connections() == 0 && p.closed.Load() == 1 })
}

// dozes waits until the server's only connection is without a goroutine.
func (p *peer) dozes() {
	p.t.Helper()
	until(p.t, "the connection rests", func() bool {
		for _, c := range p.s.list() {
			if h1, ok := c.(*h1Conn); ok && (h1.dozing.Load() || p.s.Doorman == nil && h1.at() == resting) {
				return true
			}
		}
		return false
	})
}

// TestRestingConnections: after some time without a request a connection has no goroutine. All that can happen to one that has
// happens to it. Each is tried with a doorman and without.
func TestRestingConnections(t *testing.T) {
	for name, steps := range map[string]func(p *peer){
		"asked again, and again": func(p *peer) {
			for range 2 {
				p.say("GET / HTTP/1.1\r\n")
				p.say("Host: a\r\n\r\n")
				p.answer(404, false)
				p.dozes()
			}
			p.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			p.answer(404, true)
		},
		"the client leaves": func(p *peer) { _ = p.Conn.(*net.TCPConn).CloseWrite() },
		"the client resets": func(p *peer) { _ = p.Conn.(*net.TCPConn).SetLinger(0); _ = p.Close() },
		"the proxy drains":  func(p *peer) { p.s.Drain() },
		"the proxy ends":    func(p *peer) { p.s.Abort() },
		"its time is over":  func(*peer) {},
		"it says nonsense":  func(p *peer) { p.say("nonsense\r\n\r\n"); p.answer(400, true) },
	} {
		for _, with := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, doorman %v", name, with), func(t *testing.T) {
				t.Parallel()
				s := newServer(t)
				if !with {
					s.Doorman = nil
				}
				p := connect(t, s, nil)
				p.say(ask)
				p.answer(404, false)
				p.dozes()
				if name == "its time is over" {
					for _, c := range s.list() {
						c.(*h1Conn).conn.Wake()
					}
				}
				steps(p)
				p.ends()
			})
		}
	}
}
