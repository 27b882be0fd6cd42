//go:build !race && !poison

// The race detector makes sync.Pool drop what it is given, at random.

package chains_test

import (
	"net"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestConditionsThatDoNotHoldAllocateNothing runs keep-alive requests past chains of both kinds over real sockets.
func TestConditionsThatDoNotHoldAllocateNothing(t *testing.T) {
	x := newSite(t, setup{edit: func(m *resources) {
		m.service.Logging = nil
		m.service.Backends[0].Group = "canned"
		m.more = append(m.more, serviceOf("canned", &lbv1.BackendService{Backends: []*lbv1.Backend{{Group: "canned"}}}, canned(t))...)
		m.route = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{chainNamed("a", when(`request.host == "other.example" && request.method == "GET"`))}}
		m.traffic = &lbv1.LbExtension{Chains: []*lbv1.ExtensionChain{
			chainNamed("b", when(`request.path.startsWith("/v1/") && request.headers["x-env"].lower() == "canary"`)),
			chainNamed("c", when(`request.headers["accept"].contains("json") || source.ip.startsWith("10.")`), &lbv1.MatchExpression{BackendService: "default"}),
		}}
	}})
	nc, err := net.Dial("tcp", x.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	request := []byte("GET /path?query HTTP/1.1\r\nHost: test.example:80\r\nUser-Agent: test\r\nAccept: */*\r\nX-Env: Canary\r\n\r\n")
	buf := make([]byte, 4096)
	once := func() {
		if _, err := nc.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	for range 200 {
		once()
	}
	if n := testing.AllocsPerRun(2000, once); n >= 1 {
		t.Errorf("%.2f allocations a request", n)
	}
}

// canned is a backend that answers each read with the same bytes.
func canned(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = nc.Close() }()
				buf := make([]byte, 4096)
				for {
					if _, err := nc.Read(buf); err != nil {
						return
					}
					if _, err := nc.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return ln.Addr().String()
}
