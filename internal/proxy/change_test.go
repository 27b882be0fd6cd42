package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

func TestDrainFinishesRequestsAndClosesIdleConnections(t *testing.T) {
	release := make(chan bool)
	reached := make(chan bool)
	backend := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/slow" {
			reached <- true
			<-release
		}
		_, _ = io.WriteString(w, "done")
	})
	r := newRig(t, []string{backend}, nil)
	idle, slow := r.dial(), r.dial()
	idle.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	idle.answer(t, "GET")
	slow.say("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	drained := make(chan error, 1)
	<-reached
	go func() { drained <- r.Drain(context.Background()) }()
	idle.ended(t)
	select {
	case err := <-drained:
		t.Fatalf("drained with a request under way: %v", err)
	default:
	}
	close(release)
	res, body := slow.answer(t, "GET")
	if body != "done" || !res.Close {
		t.Errorf("%v %q", res, body)
	}
	slow.ended(t)
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
	if _, err := net.Dial("tcp", r.addr); err == nil {
		t.Error("still listening")
	}
}

// TestDrainServesWhatNewConnectionsAsk: a client that has just connected has its first request on the way.
func TestDrainServesWhatNewConnectionsAsk(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	r := newRig(t, []string{backend}, nil)
	fresh, idle := r.dial(), r.dial()
	idle.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	idle.answer(t, "GET")
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(context.Background()) }()
	idle.ended(t)
	fresh.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, body := fresh.answer(t, "GET"); body != "done" || !res.Close {
		t.Errorf("%v %q", res, body)
	}
	fresh.ended(t)
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

// TestDrainWaitsForHandshakes: a connection counts from the moment it is accepted, not from its first request.
func TestDrainWaitsForHandshakes(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "done") })
	r := newRig(t, []string{backend}, func(m *model) { withTLS(t, m, "a") })
	dial := func() *tls.Conn {
		return tls.Client(r.dial().Conn, &tls.Config{InsecureSkipVerify: true, ServerName: "a"})
	}
	fresh, idle := dial(), dial()
	const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	if _, err := io.WriteString(idle, get); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(context.Background()) }()
	_, _ = io.Copy(io.Discard, idle)
	if err := fresh.Handshake(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-drained:
		t.Fatalf("drained with a client connected: %v", err)
	default:
	}
	if _, err := io.WriteString(fresh, get); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(fresh); err != nil || !strings.HasSuffix(string(got), "done") {
		t.Errorf("%q %v", got, err)
	}
	if err := <-drained; err != nil {
		t.Errorf("drain: %v", err)
	}
}

func TestDrainEndsAtItsDeadline(t *testing.T) {
	reached := make(chan bool, 1)
	backend := rawBackend(t, func(c *rawConn) {
		reached <- true
		c.gone()
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	<-reached
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := r.Drain(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// TestChurnUnderLoad changes endpoints, routes and frontends while clients keep asking: no request fails.
func TestChurnUnderLoad(t *testing.T) {
	name := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, s) }
	}
	a, b := httpBackend(t, name("a")), httpBackend(t, name("b"))
	m := newModel([]string{a})
	log := &lines{}
	r := &rig{Proxy: proxy.New(proxy.Config{AccessLog: log}), t: t, model: m.model(), log: log}
	t.Cleanup(func() { _ = r.Close() })
	if err := r.Replace(r.model); err != nil {
		t.Fatal(err)
	}
	r.addr = r.Bound()[0].Actual.String()
	var stop atomic.Bool
	var count atomic.Int64
	var clients sync.WaitGroup
	for range 4 {
		clients.Add(1)
		go func() {
			defer clients.Done()
			c := &http.Client{Transport: &http.Transport{}, Timeout: patience}
			defer c.CloseIdleConnections()
			for !stop.Load() {
				res, err := c.Get("http://" + r.addr + "/")
				if err != nil {
					t.Errorf("request: %v", err)
					return
				}
				body, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if err != nil || res.StatusCode != 200 {
					t.Errorf("answer %d %q %v", res.StatusCode, body, err)
					return
				}
				count.Add(1)
			}
		}()
	}
	for i := range 60 {
		seen := count.Load()
		m.shard = endpointShard("neg", [][]string{{a}, {b}, {a, b}}[i%3])
		m.route.Rule = fmt.Sprint(i)
		next := m.model()
		next.Seq = uint64(i + 2)
		if i%2 == 0 {
			second := proto.Clone(m.rule).(*lbv1.ForwardingRule)
			second.Port = freePort()
			next.Resources = append(next.Resources, &lbv1.Resource{Name: "second", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: second}})
		}
		if err := r.Replace(next); err != nil {
			t.Fatal(err)
		}
		eventually(t, "requests go on", func() bool { return count.Load() > seen+5 || t.Failed() })
	}
	stop.Store(true)
	clients.Wait()
}

func TestRefusedTransactionsChangeNothing(t *testing.T) {
	backend := httpBackend(t, echo)
	r := newRig(t, []string{backend}, nil)
	err := r.Update(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{
		{Name: "map/*/*/1", Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{UrlMap: "nowhere"}}},
	}})
	var refused *config.Refused
	if !errors.As(err, &refused) {
		t.Fatalf("%v", err)
	}
	if res, _ := r.get("/"); res.StatusCode != 200 {
		t.Errorf("%v", res)
	}
}

func TestPortsThatAreTakenFallBackAndRedirectsKnow(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	port := uint32(taken.Addr().(*net.TCPAddr).Port)
	r := newRig(t, nil, func(m *model) {
		m.rule.Port = port
		m.route.Action = &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Status: 301, Host: "x.example", Port: port}}
	})
	b := r.Bound()[0]
	if b.Actual.Port() == b.Requested.Port() {
		t.Fatalf("bound %v", b)
	}
	res, _ := r.get("/p")
	if want := fmt.Sprintf("http://x.example:%d/p", b.Actual.Port()); res.StatusCode != 301 || res.Header.Get("Location") != want {
		t.Errorf("%v, want %s", res.Header, want)
	}
}

func TestHandOverLosesNoConnection(t *testing.T) {
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
	old := newRig(t, []string{backend}, nil)
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	given := make(chan error, 1)
	go func() {
		nc, err := ln.AcceptUnix()
		if err == nil {
			err = old.HandOver(nc)
			_ = nc.Close()
		}
		given <- err
	}()
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	sockets, err := proxy.TakeOver(nc)
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%v %v", sockets, err)
	}
	if err := <-given; err != nil {
		t.Fatal(err)
	}
	waiting := old.dial()
	next := proxy.New(proxy.Config{Inherited: sockets})
	t.Cleanup(func() { _ = next.Close() })
	if err := next.Replace(old.model); err != nil {
		t.Fatal(err)
	}
	if at := next.Bound()[0].Actual.String(); at != old.addr {
		t.Fatalf("bound %s, want %s", at, old.addr)
	}
	drained := make(chan error, 1)
	go func() { drained <- old.Drain(context.Background()) }()
	waiting.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if res, body := waiting.answer(t, "GET"); body != "ok" {
		t.Errorf("%v %q", res, body)
	}
	_ = waiting.Close()
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if res, body := old.get("/"); res.StatusCode != 200 || body != "ok" {
			t.Fatalf("%v %q", res, body)
		}
	}
}

func TestMirrorsCannotHurt(t *testing.T) {
	copies := make(chan string, 100)
	mirror := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		copies <- q.Method + " " + q.URL.Path + " " + string(body)
		w.WriteHeader(500)
	})
	dead := rawBackend(t, func(c *rawConn) { c.gone() })
	main := httpBackend(t, func(w http.ResponseWriter, q *http.Request) { _, _ = io.Copy(w, q.Body) })
	r := newRig(t, []string{main}, func(m *model) {
		m.addService("mirror", []string{mirror})
		m.addService("dead", []string{dead})
		m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}, {BackendService: "dead"}}
	})
	c := r.dial()
	for range 10 {
		c.say("POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
		if res, body := c.answer(t, "POST"); res.StatusCode != 200 || body != "abc" {
			t.Fatalf("%v %q", res, body)
		}
	}
	for range 10 {
		if got := <-copies; got != "POST /m abc" {
			t.Fatalf("mirror got %q", got)
		}
	}
}

// TestNothingIsLeftBehind counts goroutines over the life of a proxy that has seen everything go wrong.
func TestNothingIsLeftBehind(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("life", func(t *testing.T) {
		backend := rawBackend(t, func(c *rawConn) {
			head := c.head()
			if strings.Contains(head, "/cut") {
				c.say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
				return
			}
			c.gone()
		})
		r := newRig(t, []string{backend}, func(m *model) {
			m.addService("mirror", []string{backend})
			m.addService("nowhere", []string{"127.0.0.1:1"})
			m.route.Mirrors = []*lbv1.Mirror{{BackendService: "mirror"}, {BackendService: "nowhere"}}
		})
		for i := range 20 {
			c := r.dial()
			switch i % 5 {
			case 0:
				c.say("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
			case 1:
				c.say("GET /cut HTTP/1.1\r\nHost: a\r\n\r\n")
				c.gone()
			case 2:
				c.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\npart")
			case 3:
				c.say("GET / HT")
			case 4:
				c.say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
			}
			_ = c.Close()
		}
		_ = r.Close()
	})
	eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= before+2 })
}
