package proxy

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// echo is a kind of frontend that gives back what it gets.
type echo struct{ port uint16 }

func (e *echo) bound(port uint16)                               { e.port = port }
func (e *echo) prepare(*config.Root, config.Frontend) error     { return nil }
func (e *echo) follow(*config.Root, config.Frontend) (most int) { return 0 }

func (e *echo) serve(nc *net.TCPConn, closed func()) {
	defer closed()
	_, _ = io.Copy(nc, nc)
	_ = nc.Close()
}

// TestFrontendsOfOtherKinds: a frontend's connections go to the handler of its kind, are counted, and are waited for; a kind
// that nobody handles is an error in words, not HTTP.
func TestFrontendsOfOtherKinds(t *testing.T) {
	p := New(Config{})
	t.Cleanup(func() { _ = p.Close() })
	e := &echo{}
	p.handlers["ECHO"] = func(*Proxy, *config.Root, config.Frontend) (handler, error) { return e, nil }
	spec := config.Frontend{Kind: "ECHO", Name: "rule", Address: netip.MustParseAddr("127.0.0.1")}
	f := p.open(p.Root(), spec)
	if f.err != nil || e.port != f.listener.Actual.Port() {
		t.Fatalf("%v, port %d of %s", f.err, e.port, f.listener.Actual)
	}
	p.frontends[frontendKeyOf(spec)] = f
	p.live.Go(func() { p.serve("rule", f) })
	nc, err := net.Dial("tcp", f.listener.Actual.String())
	if err != nil {
		t.Fatal(err)
	}
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	_, _ = io.WriteString(nc, "GET / HTTP/1.1\r\n\r\n")
	_ = nc.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(nc); string(got) != "GET / HTTP/1.1\r\n\r\n" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	_ = nc.Close()
	if n := p.Metrics().Frontend("rule").Accepted.Load(); n != 1 {
		t.Errorf("%d connections counted", n)
	}
	spec.Kind, spec.Name, spec.Port = "UDP", "other", 1
	if f := p.open(p.Root(), spec); f.err == nil || !strings.Contains(f.err.Error(), `no frontends of kind "UDP"`) {
		t.Errorf("error %v", f.err)
	}
}
