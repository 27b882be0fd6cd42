//go:build !race

// The race detector makes sync.Pool drop what it is given, at random.

package proxy_test

import (
	"net"
	"testing"
	"time"
)

// TestSteadyRequestsAllocateNothing runs keep-alive requests over real sockets: client and backend of the test allocate
// nothing either, so every allocation of the process is the proxy's.
func TestSteadyRequestsAllocateNothing(t *testing.T) {
	r := newRig(t, []string{cannedBackend(t)}, func(m *model) { m.service.Logging = nil })
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	_ = nc.SetDeadline(time.Now().Add(patience))
	request := []byte("GET /path?query HTTP/1.1\r\nHost: test.example\r\nUser-Agent: test\r\nAccept: */*\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n")
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
