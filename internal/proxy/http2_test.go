package proxy_test

import (
	"io"
	"net"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// http2Client is an HTTP/2 connection to the proxy.
func http2Client(t testing.TB, r *rig) *http2.ClientConn {
	nc, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	cc := http2.NewClientConn(nc, &http2.ClientConfig{})
	t.Cleanup(func() {
		_ = cc.Close()
		<-cc.Done()
	})
	return cc
}

func getRequest(path string) *message.Request {
	return &message.Request{Method: []byte("GET"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte(path)}
}

// TestResetReachesTheBackend: a client's RST_STREAM ends the backend's stream, and no other.
func TestResetReachesTheBackend(t *testing.T) {
	started, ended := make(chan string, 2), make(chan string, 2)
	release := make(chan struct{})
	backend := http2Backend(t, func(st *http2.ServerStream) {
		path := string(st.Request().Path)
		started <- path
		if path == "/cancelled" {
			<-st.Done()
			ended <- path
			return
		}
		<-release
		_ = st.WriteHead(200, nil, true)
	})
	r := newRig(t, []string{backend}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
	cc := http2Client(t, r)
	first, err := cc.Open(getRequest("/cancelled"), true)
	if err != nil {
		t.Fatal(err)
	}
	second, err := cc.Open(getRequest("/kept"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	<-started
	<-started
	first.Close()
	if got := <-ended; got != "/cancelled" {
		t.Errorf("ended %s", got)
	}
	close(release)
	var res message.Response
	if err := second.ReadHead(&res, nil); err != nil || res.Status != 200 {
		t.Errorf("the other stream: %d %v", res.Status, err)
	}
}

// TestSlowReaderSlowsTheBackend: what a client does not read is not fetched, beyond the windows and buffers on the way,
// and other streams of the same connections go on.
func TestSlowReaderSlowsTheBackend(t *testing.T) {
	const all = 64 << 20
	stalled := make(chan int, 1)
	backend := http2Backend(t, func(st *http2.ServerStream) {
		_ = st.WriteHead(200, nil, false)
		if string(st.Request().Path) == "/small" {
			_ = st.WriteData([]byte("small"), true)
			return
		}
		sent := 0
		for ; sent < all; sent += 16 << 10 {
			if st.WriteData(make([]byte, 16<<10), false) != nil {
				break
			}
		}
		stalled <- sent
		_ = st.WriteData(nil, true)
	})
	r := newRig(t, []string{backend}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
	cc := http2Client(t, r)
	slow, err := cc.Open(getRequest("/large"), true)
	if err != nil {
		t.Fatal(err)
	}
	var res message.Response
	if err := slow.ReadHead(&res, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Next(); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		cs, err := cc.Open(getRequest("/small"), true)
		if err != nil {
			t.Fatal(err)
		}
		var small message.Response
		if err := cs.ReadHead(&small, nil); err != nil {
			t.Fatal(err)
		}
		if p, err := small.Body.Next(); err != nil || string(p) != "small" {
			t.Fatalf("%q %v", p, err)
		}
		if _, err := small.Body.Next(); err != io.EOF {
			t.Fatal(err)
		}
		small.Body.Close()
		cs.Close()
	}
	slow.Close()
	if sent := <-stalled; sent > 4<<20 {
		t.Errorf("the backend sent %d bytes to a client that did not read", sent)
	}
}

// TestDrainOverHTTP2: a stream under way is served while the proxy drains, then the connection ends.
func TestDrainOverHTTP2(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	backend := http2Backend(t, func(st *http2.ServerStream) {
		close(started)
		<-release
		_ = st.WriteHead(200, nil, true)
	})
	r := newRig(t, []string{backend}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
	cc := http2Client(t, r)
	cs, err := cc.Open(getRequest("/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	<-started
	drained := make(chan error, 1)
	go func() { drained <- r.Drain(t.Context()) }()
	eventually(t, "GOAWAY", cc.GoingAway)
	close(release)
	var res message.Response
	if err := cs.ReadHead(&res, nil); err != nil || res.Status != 200 {
		t.Errorf("%d %v", res.Status, err)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
	<-cc.Done()
}
