package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
)

// budget allows max connections.
type budget struct {
	mu        sync.Mutex
	used, max int
}

func (b *budget) inUse() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

func (b *budget) TryAcquire(balance.Limited) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == b.max {
		return false
	}
	b.used++
	return true
}

func (b *budget) ReleaseLimit(balance.Limited) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used--
}

// backend2 is backend over HTTP/2. A POST has no answer.
func backend2(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			sc := http2.NewServerConn(nc, &http2.ServerConfig{})
			go func() {
				_ = sc.Serve(func(st *http2.ServerStream) {
					if string(st.Request().Method) == "POST" {
						<-st.Done()
						return
					}
					_ = st.WriteHead(200, nil, false)
					_ = st.WriteData([]byte("0"), true)
				})
			}()
		}
	}()
	return ln.Addr().String()
}

// backend answers each request with the number of its connection.
func backend(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for n := byte('0'); ; n++ {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				r := bufio.NewReader(nc)
				for {
					if _, err := http.ReadRequest(r); err != nil {
						_ = nc.Close()
						return
					}
					_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"+string(n))
				}
			}()
		}
	}()
	return ln.Addr().String()
}

func newPool(t *testing.T, address string) (*Pools, *Pool) {
	t.Helper()
	clock := transport.NewClock()
	pools := &Pools{Clock: clock}
	pools.Start()
	t.Cleanup(func() {
		pools.Stop()
		clock.Stop()
	})
	target := Target{Address: address, Counts: metrics.New(metrics.Options{}).Service("s")}
	return pools, pools.Create(&balance.Endpoint{Address: address}, target)
}

// ask runs one exchange on a stream, and closes it.
func ask(t *testing.T, s Stream) string {
	t.Helper()
	var a Answer
	req := &message.Request{Method: []byte("GET"), Path: []byte("/"), Authority: []byte("a")}
	if err := s.RoundTrip(req, nil, &a); err != nil {
		t.Fatal(err)
	}
	p, err := a.Response.Body.Next()
	if err != nil {
		t.Fatal(err)
	}
	text := string(p)
	a.Response.Body.Close()
	s.Close()
	return text
}

// patient waits as long as it takes.
func patient() (context.Context, context.CancelFunc) { return context.WithCancel(context.Background()) }

func open(t *testing.T, p *Pool, b Budget) Stream {
	t.Helper()
	s, err := p.Open(patient, true, b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hold begins a request that has no end.
func hold(t *testing.T, p *Pool, b Budget) Stream {
	t.Helper()
	s := open(t, p, b)
	if err := s.SendHead(&message.Request{
		Method: []byte("POST"), Path: []byte("/"), Authority: []byte("a"), ContentLength: message.UnknownLength,
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheLastOneInIsTheFirstOneOut(t *testing.T) {
	_, p := newPool(t, backend(t))
	b := &budget{max: 2}
	first, second := open(t, p, b), open(t, p, b)
	if first.Reused() {
		t.Error("a new connection says that it is reused")
	}
	ask(t, first)
	last := ask(t, second)
	if p.Idle() != 2 {
		t.Fatalf("%d idle", p.Idle())
	}
	again := open(t, p, b)
	if !again.Reused() {
		t.Error("a reused connection says that it is new")
	}
	if got := ask(t, again); got != last {
		t.Errorf("connection %s, want %s", got, last)
	}
}

func TestBudget(t *testing.T) {
	_, p := newPool(t, backend(t))
	b := &budget{max: 1}
	s := open(t, p, b)
	if _, err := p.Open(patient, true, b); err != ErrOverflow {
		t.Errorf("%v", err)
	}
	ask(t, s)
	p.Retire()
	if b.used != 0 || p.Idle() != 0 {
		t.Errorf("%d counted, %d idle", b.used, p.Idle())
	}
}

func TestRetiredPoolsKeepNothing(t *testing.T) {
	_, p := newPool(t, backend(t))
	b := &budget{max: 1}
	s := open(t, p, b)
	p.Retire()
	ask(t, s)
	if b.used != 0 || p.Idle() != 0 {
		t.Errorf("%d counted, %d idle", b.used, p.Idle())
	}
}

// TestCreateAfterRetire: a request may still be on its way to an endpoint that is gone. What it opens is not kept.
func TestCreateAfterRetire(t *testing.T) {
	address := backend(t)
	pools, _ := newPool(t, address)
	e := &balance.Endpoint{Address: address}
	pools.Retire(e)
	p := pools.Create(e, Target{Address: address, Counts: metrics.New(metrics.Options{}).Service("s")})
	if pools.Find(e) != p {
		t.Error("not found again")
	}
	b := &budget{max: 1}
	ask(t, open(t, p, b))
	if b.used != 0 || p.Idle() != 0 || len(pools.list()) != 1 {
		t.Errorf("%d counted, %d idle, %d pools", b.used, p.Idle(), len(pools.list()))
	}
}

func TestSweepTakesWhatIsOldOrClosed(t *testing.T) {
	pools, p := newPool(t, backend(t))
	b := &budget{max: 1}
	ask(t, open(t, p, b))
	p.sweep(pools.Clock.Now() - int64(time.Hour))
	if p.Idle() != 1 {
		t.Error("a young connection is gone")
	}
	p.sweep(pools.Clock.Now() + int64(time.Hour))
	if p.Idle() != 0 || b.used != 0 {
		t.Error("an old connection is still there")
	}
}

func TestConnectFailures(t *testing.T) {
	_, p := newPool(t, "127.0.0.1:1")
	b := &budget{max: 1}
	_, err := p.Open(patient, true, b)
	var refused *ConnectError
	if !errors.As(err, &refused) || refused.TLS || b.used != 0 {
		t.Errorf("%v, %d counted", err, b.used)
	}
}

// TestWaitsForConnections end with whoever waits, over either protocol, and say so.
func TestWaitsForConnections(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		pools, _ := newPool(t, "127.0.0.1:1")
		p := pools.Create(&balance.Endpoint{}, Target{
			Address: ln.Addr().String(), TLS: &tls.Config{ServerName: "a"}, HTTP2: http2,
			Counts: metrics.New(metrics.Options{}).Service("s"),
		})
		ctx, cancel := context.WithCancel(context.Background())
		accepted := make(chan net.Conn, 1)
		go func() {
			nc, _ := ln.Accept() // and never a word
			accepted <- nc
			cancel()
		}()
		_, err = p.Open(func() (context.Context, context.CancelFunc) { return ctx, cancel }, true, &budget{max: 1})
		var failed *ConnectError
		if !errors.As(err, &failed) || !errors.Is(err, transport.ErrTimeout) {
			t.Errorf("HTTP/2 %v: %v", http2, err)
		}
		_ = (<-accepted).Close()
		_ = ln.Close()
	}
}

// TestIdleConnectionsGiveWay: what is idle at one endpoint does not keep another from being asked.
func TestIdleConnectionsGiveWay(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		address := backend(t)
		if http2 {
			address = backend2(t)
		}
		pools, _ := newPool(t, address)
		counts := metrics.New(metrics.Options{}).Service("s")
		target := Target{Address: address, HTTP2: http2, Counts: counts}
		a := pools.Create(&balance.Endpoint{}, target)
		b := pools.Create(&balance.Endpoint{}, target)
		stranger := pools.Create(&balance.Endpoint{}, Target{
			Address: address, HTTP2: http2, Counts: metrics.New(metrics.Options{}).Service("other"),
		})
		other := &budget{max: 1}
		ask(t, open(t, stranger, other))
		one := &budget{max: 1}
		ask(t, open(t, a, one))
		s := hold(t, b, one)
		if _, err := a.Open(patient, true, one); err != ErrOverflow {
			t.Errorf("HTTP/2 %v: a connection in use gave way: %v", http2, err)
		}
		s.Close()
		ask(t, open(t, a, one))
		if one.inUse() != 1 || other.inUse() != 1 {
			t.Errorf("HTTP/2 %v: %d and %d counted", http2, one.inUse(), other.inUse())
		}
	}
}

// TestOwnConnections of HTTP/2 are given to others after the request they were made for.
func TestOwnConnections(t *testing.T) {
	pools, _ := newPool(t, "127.0.0.1:1")
	p := pools.Create(&balance.Endpoint{}, Target{
		Address: backend2(t), HTTP2: true, Counts: metrics.New(metrics.Options{}).Service("s"),
	})
	b := &budget{max: 2}
	ask(t, open(t, p, b))
	own, err := p.Open(patient, false, b)
	if err != nil || own.Reused() {
		t.Fatalf("%v, reused %v", err, own.Reused())
	}
	if n := len(p.http2.conns); n != 1 {
		t.Errorf("%d connections for everybody before the request", n)
	}
	ask(t, own)
	if n := len(p.http2.conns); n != 2 {
		t.Errorf("%d connections for everybody after it", n)
	}
}

// TestOwnConnectionsBeyondTheBudget are shared ones.
func TestOwnConnectionsBeyondTheBudget(t *testing.T) {
	pools, _ := newPool(t, "127.0.0.1:1")
	p := pools.Create(&balance.Endpoint{}, Target{
		Address: backend2(t), HTTP2: true, Counts: metrics.New(metrics.Options{}).Service("s"),
	})
	b := &budget{max: 1}
	busy := hold(t, p, b)
	own, err := p.Open(patient, false, b)
	if err != nil || !own.Reused() {
		t.Fatalf("%v", err)
	}
	ask(t, own)
	busy.Close()
}

// TestRetiredHTTP2PoolsKeepNothing, not even what was being made.
func TestRetiredHTTP2PoolsKeepNothing(t *testing.T) {
	pools, _ := newPool(t, "127.0.0.1:1")
	b := &budget{max: 8}
	p := pools.Create(&balance.Endpoint{}, Target{
		Address: backend2(t), HTTP2: true, Counts: metrics.New(metrics.Options{}).Service("s"),
	})
	before := hold(t, p, b)
	p.Retire()
	before.Close()
	ask(t, open(t, p, b))
	own, err := p.Open(patient, false, b)
	if err != nil {
		t.Fatal(err)
	}
	own.Close() // never used
	deadline := time.After(time.Minute)
	for b.inUse() > 0 {
		select {
		case <-deadline:
			t.Fatalf("%d connections are kept", b.inUse())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// TestCrowdedConnectionsGetCompany.
func TestCrowdedConnectionsGetCompany(t *testing.T) {
	pools, _ := newPool(t, "127.0.0.1:1")
	p := pools.Create(&balance.Endpoint{}, Target{
		Address: backend2(t), HTTP2: true, Counts: metrics.New(metrics.Options{}).Service("s"),
	})
	b := &budget{max: 8}
	var streams []Stream
	for range 3 * spreadAt {
		streams = append(streams, hold(t, p, b))
		p.http2.mu.Lock()
		d := p.http2.dialing
		p.http2.mu.Unlock()
		if d != nil {
			<-d.done
		}
	}
	if n := len(p.http2.conns); n != 3 {
		t.Errorf("%d connections", n)
	}
	for _, s := range streams {
		s.Close()
	}
}

// TestCompanyTakesNobodysPlace: a connection more to spread requests is a convenience, for which nothing gives way.
func TestCompanyTakesNobodysPlace(t *testing.T) {
	pools, _ := newPool(t, "127.0.0.1:1")
	target := Target{Address: backend2(t), HTTP2: true, Counts: metrics.New(metrics.Options{}).Service("s")}
	idle, crowded := pools.Create(&balance.Endpoint{}, target), pools.Create(&balance.Endpoint{}, target)
	b := &budget{max: 2}
	ask(t, open(t, idle, b))
	var streams []Stream
	for range spreadAt + 3 {
		streams = append(streams, hold(t, crowded, b))
		crowded.http2.mu.Lock()
		d := crowded.http2.dialing
		crowded.http2.mu.Unlock()
		if d != nil {
			<-d.done
		}
	}
	if n := len(crowded.http2.conns); n != 1 {
		t.Errorf("%d connections", n)
	}
	if s := open(t, idle, b); !s.Reused() {
		t.Error("an idle connection has given way")
	} else {
		ask(t, s)
	}
	for _, s := range streams {
		s.Close()
	}
}
