package call

import (
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/proxy/transport"
	"github.com/spillway-lb/spillway/internal/proxy/upstream"
)

// patience bounds every wait of these tests.
const patience = time.Minute

func newCaller(t testing.TB) *Caller {
	t.Helper()
	clock := transport.NewClock()
	c := &Caller{Clock: clock, Pools: &upstream.Pools{Clock: clock}, Metrics: metrics.New(metrics.Options{})}
	c.Pools.Start()
	t.Cleanup(func() {
		c.EndStreams()
		c.Pools.Stop()
		clock.Stop()
	})
	return c
}

// newVersion is a backend service with the endpoints.
func newVersion(t testing.TB, spec *lbv1.BackendService, addrs ...string) *balance.Service {
	t.Helper()
	shard := &balance.Shard{}
	for _, a := range addrs {
		shard.Endpoints = append(shard.Endpoints, balance.Address{Addr: netip.MustParseAddrPort(a)})
	}
	spec.Backends = []*lbv1.Backend{{Group: "neg"}}
	v, _ := balance.Next(nil, balance.Version{
		Name: "callout", Spec: spec, Groups: []*balance.Group{{Name: "neg", Shards: []*balance.Shard{shard}}},
	})
	return v
}

// material has one trust config, whatever it is called.
type material struct{ trust *proxytls.TrustConfig }

func (m material) Certificate(string) *proxytls.Certificate { return nil }
func (m material) TrustConfig(string) *proxytls.TrustConfig { return m.trust }

// h2c is a real HTTP/2 server without TLS.
func h2c(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, Protocols: new(http.Protocols)}
	s.Protocols.SetUnencryptedHTTP2(true)
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}

// overTLS is a real HTTP/2 server with TLS, and what trusts its certificate, which is for example.com.
func overTLS(t testing.TB, h http.HandlerFunc) (string, material) {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	trust, err := proxytls.ParseTrustConfig(&lbv1.TrustConfig{CaPem: ca})
	if err != nil {
		t.Fatal(err)
	}
	return s.Listener.Addr().String(), material{trust}
}

// dead is an address that refuses connections.
func dead(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return ln.Addr().String()
}

func post() *message.Request {
	return &message.Request{
		Method: []byte("POST"), Scheme: message.SchemeHTTP, Authority: []byte("callout.example"), Path: []byte("/process"),
		ContentLength: message.UnknownLength,
	}
}

func opening2(c *Caller, v *balance.Service, m proxytls.Resources) *Opening {
	return &Opening{Version: v, Service: c.Service(m, v), Request: post(), Within: patience}
}

// eventually polls a condition.
func eventually(t testing.TB, what string, ok func() bool) {
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
