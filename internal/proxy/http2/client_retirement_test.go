package http2

import (
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// TestARefusalTeaches how many streams a server takes; what ends well teaches that there is more.
func TestARefusalTeaches(t *testing.T) {
	released := make(chan struct{})
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		first := p.awaitHeaders()
		_ = p.fr.WriteRSTStream(p.awaitHeaders(), xhttp2.ErrCodeRefusedStream)
		<-released
		_ = p.headers(first, true, ":status", "200")
		p.until(closed)
	})
	first, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	if a := roundTrip(cc, request("GET", "a.example", "/")); !IsRetryable(a.err) {
		t.Errorf("refused: %v", a.err)
	}
	if r := cc.Room(); r.Streams != 0 || r.Over {
		t.Errorf("room: %+v", r)
	}
	close(released)
	var res message.Response
	if err := first.ReadHead(&res, nil); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if r := cc.Room(); r.Streams != 2 {
		t.Errorf("room for %d after a stream ended", r.Streams)
	}
}

// TestManyCancelsRetireAConnection, before a server does that minds resets.
func TestManyCancelsRetireAConnection(t *testing.T) {
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) { p.until(closed) })
	kept, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	for range maxCancels {
		if cc.GoingAway() {
			t.Fatal("retired too early")
		}
		cs, err := cc.Open(request("GET", "a.example", "/"), true)
		if err != nil {
			t.Fatal(err)
		}
		cs.Close()
	}
	if !cc.GoingAway() {
		t.Error("the connection goes on")
	}
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) {
		t.Errorf("opened: %v", err)
	}
	select {
	case <-cc.Done():
		t.Error("the connection ended under a request")
	default:
	}
	kept.Close()
	<-cc.Done()
}

// TestClientRetryable: what the server has certainly not processed may be sent again.
func TestClientRetryable(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script func(p *rawPeer, id uint32)
	}{
		{"refused stream", func(p *rawPeer, id uint32) { _ = p.fr.WriteRSTStream(id, xhttp2.ErrCodeRefusedStream) }},
		{"above GOAWAY", func(p *rawPeer, _ uint32) { _ = p.fr.WriteGoAway(0, xhttp2.ErrCodeNo, nil) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
				tt.script(p, p.awaitHeaders())
				p.until(closed)
			})
			if a := roundTrip(cc, request("GET", "a.example", "/")); !IsRetryable(a.err) {
				t.Errorf("%v", a.err)
			}
		})
	}
}

// TestClientGoAway: streams below the last one finish, new ones are refused, then the connection ends by itself.
func TestClientGoAway(t *testing.T) {
	sent := make(chan struct{})
	cc := rawServer(t, &ClientConfig{}, nil, func(p *rawPeer) {
		id := p.awaitHeaders()
		_ = p.fr.WriteGoAway(id, xhttp2.ErrCodeNo, nil)
		<-sent
		_ = p.headers(id, true, ":status", "200")
		p.until(closed)
	})
	cs, err := cc.Open(request("GET", "a.example", "/"), true)
	if err != nil {
		t.Fatal(err)
	}
	defer cs.Close()
	eventually(t, cc.GoingAway)
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) || cc.Available() != 0 {
		t.Errorf("open after GOAWAY: %v, available %d", err, cc.Available())
	}
	close(sent)
	var resp message.Response
	if err := cs.ReadHead(&resp, nil); err != nil || resp.Status != 200 {
		t.Error(err)
	}
	<-cc.Done()
	if _, err := cc.Open(request("GET", "a.example", "/"), true); !IsRetryable(err) {
		t.Errorf("open after the end: %v", err)
	}
}

// TestClientPing: a dead peer is found out.
func TestClientPing(t *testing.T) {
	quiet := make(chan struct{})
	short := 500 * time.Millisecond // the stream is open well within it
	cc := rawServer(t, &ClientConfig{Limits: Limits{PingInterval: short, PingTimeout: short}}, nil, func(p *rawPeer) {
		_ = p.fr.WriteSettingsAck()
		<-quiet
	})
	a := roundTrip(cc, request("GET", "a.example", "/"))
	close(quiet)
	if ReasonOf(a.err) != ReasonPingTimeout || IsRetryable(a.err) {
		t.Errorf("%v", a.err)
	}
}
