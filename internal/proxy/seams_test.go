package proxy_test

import (
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestAnswersThatOpenNoTunnel: by RFC 8441 a 2xx to an extended CONNECT opens one. A backend that has answered an Upgrade with
// anything but 101 has not.
func TestAnswersThatOpenNoTunnel(t *testing.T) {
	for said, want := range map[string]int{"200 OK": 502, "204 No Content": 502, "403 Forbidden": 403, "500 Sorry": 500} {
		backend := rawBackend(t, func(c *rawConn) {
			c.head()
			c.say("HTTP/1.1 " + said + "\r\n")
			if said != "204 No Content" {
				c.say("Content-Length: 5\r\n")
			}
			c.say("\r\n")
			if said != "204 No Content" {
				c.say("hello")
			}
			c.gone()
		})
		r := newRig(t, []string{backend}, nil)
		nc, err := net.Dial("tcp", r.addr)
		if err != nil {
			t.Fatal(err)
		}
		cc := http2.NewClientConn(nc, &http2.ClientConfig{})
		cs, err := cc.Open(&message.Request{
			Method: []byte("CONNECT"), Protocol: []byte("websocket"), Scheme: []byte("http"), Authority: []byte("a"), Path: []byte("/chat"),
		}, false)
		if err != nil {
			t.Fatal(err)
		}
		var res message.Response
		if err := cs.ReadHead(&res, nil); err != nil || res.Status != want {
			t.Errorf("%s: %d %v, want %d", said, res.Status, err, want)
		}
		cs.Close()
		_ = cc.Close()
		<-cc.Done()
	}
}

// TestBackoffEndsWithTheExchange: no wait for a further attempt is longer than the time that is left, and none is made when it
// is over.
func TestBackoffEndsWithTheExchange(t *testing.T) {
	var asked atomic.Int64
	backend := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(503)
	})
	r := newRig(t, []string{backend}, func(m *model) {
		m.route.Retry = &lbv1.RetryPolicy{Attempts: 3, Codes: []uint32{503}, Backoff: durationpb.New(time.Hour)}
		m.service.Timeout = durationpb.New(200 * time.Millisecond)
	})
	// Without it, the watcher of the client's connection ends the exchange two seconds after its time: once of some times the machine
	// is fast enough to tell.
	var took time.Duration
	for range 10 {
		began := time.Now()
		res, _ := r.get("/")
		if n := asked.Swap(0); res.StatusCode != 504 || n > 1 {
			t.Fatalf("status %d, the backend was asked %d times", res.StatusCode, n)
		}
		if took = time.Since(began); took <= 2*time.Second {
			return
		}
	}
	t.Errorf("it took %v", took)
}

// TestTunnelsWaitNoLongerThanOthers: a backend that never says what it can do (SETTINGS) costs a client no more than its
// time-out.
func TestTunnelsWaitNoLongerThanOthers(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) { c.gone() })
	r := newRig(t, []string{backend}, func(m *model) {
		m.service.Protocol = lbv1.BackendProtocol_H2C
		m.service.Timeout = durationpb.New(200 * time.Millisecond)
	})
	began := time.Now()
	c := r.dial()
	c.say(upgradeChat)
	res, _ := c.answer(t, "GET")
	if took := time.Since(began); res.StatusCode != 504 || took > 5*time.Second {
		t.Errorf("status %d after %v", res.StatusCode, took)
	}
}
