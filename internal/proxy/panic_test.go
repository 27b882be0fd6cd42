package proxy_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/spillway-lb/spillway/internal/proxy"
)

// TestPanicEndsOneExchange: a fault of the proxy's own ends its exchange, or its HTTP/1 connection, and no other; it is
// counted, and what the exchange held is given back.
func TestPanicEndsOneExchange(t *testing.T) {
	for name, h2 := range map[string]bool{"HTTP/1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
			defer backend.Close()
			var armed atomic.Bool
			injected := func() {
				if armed.CompareAndSwap(true, false) {
					panic("injected")
				}
			}
			r := startRig(t, proxy.Config{}, func(p *proxy.Proxy) { p.BeforeRoot(injected) }, []string{backend.Listener.Addr().String()}, nil)
			protocols := new(http.Protocols)
			protocols.SetHTTP1(!h2)
			protocols.SetUnencryptedHTTP2(h2)
			transport := &http.Transport{Protocols: protocols}
			defer transport.CloseIdleConnections()
			client := &http.Client{Transport: transport, Timeout: patience}
			get := func() error {
				// A POST is not repeated by the client.
				res, err := client.Post("http://"+r.addr+"/", "text/plain", nil)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				_, err = io.ReadAll(res.Body)
				return err
			}
			for round := range 3 {
				if err := get(); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				armed.Store(true)
				if err := get(); err == nil {
					t.Fatalf("round %d: an answer in spite of the panic", round)
				}
			}
			if err := get(); err != nil {
				t.Fatal(err)
			}
			if n := testutil.CollectAndCount(r.Metrics(), "spillway_panics_total"); n != 1 {
				t.Errorf("%d series of panics", n)
			}
		})
	}
}
