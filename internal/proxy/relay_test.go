package proxy_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Large bodies between plain connections take a way of their own (transport.Relay). Its framing is that of all others.

// large is more than any buffer holds.
var large = strings.Repeat("0123456789abcdef", 1<<16)

// TestLargeAnswerEndsWhereItsLengthSays: what a backend sends beyond it reaches nobody. The next request waits for
// those bytes: ones that come after a request has left are an answer to it, for all that any proxy can know.
func TestLargeAnswerEndsWhereItsLengthSays(t *testing.T) {
	said := make(chan struct{}, 3)
	backend := rawBackend(t, func(c *rawConn) {
		for c.head() != "" {
			c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large))
			c.say("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			said <- struct{}{}
		}
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	for range 3 {
		c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := c.answer(t, "GET"); body != large {
			t.Fatalf("got %d bytes, ending in %q", len(body), body[max(len(body)-20, 0):])
		}
		<-said
	}
}

func TestLargeAnswersKeepTheirConnections(t *testing.T) {
	heads := make(chan string, 10)
	backend := rawBackend(t, func(c *rawConn) {
		for n := 0; ; n++ {
			if c.head() == "" {
				return
			}
			heads <- fmt.Sprint(n)
			c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large), large))
		}
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	for i := range 3 {
		c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		if _, body := c.answer(t, "GET"); body != large {
			t.Fatalf("got %d bytes", len(body))
		}
		if n := <-heads; n != fmt.Sprint(i) {
			t.Errorf("request %d was number %s of its connection", i, n)
		}
	}
}

func TestLargeAnswerCutShort(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(large)+1, large))
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	res, err := http.ReadResponse(c.r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(res.Body); err != io.ErrUnexpectedEOF {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	eventually(t, "the log tells of it", func() bool {
		return strings.Contains(r.log.String(), "backend_connection_closed_after_partial_response_sent")
	})
}

func TestLargeAnswerUntilClose(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + large)
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.0\r\n\r\n")
	if _, body := c.answer(t, "GET"); body != large {
		t.Errorf("got %d bytes", len(body))
	}
}

// TestClientThatLeavesALargeAnswer ends the backend's work, though that never stops sending.
func TestClientThatLeavesALargeAnswer(t *testing.T) {
	ended := make(chan struct{})
	backend := rawBackend(t, func(c *rawConn) {
		defer close(ended)
		c.head()
		c.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
		for {
			if _, err := io.WriteString(c.Conn, large); err != nil {
				return
			}
		}
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	if _, err := io.CopyN(io.Discard, c.r, 4<<20); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	<-ended
	eventually(t, "the log tells of it", func() bool {
		return strings.Contains(r.log.String(), "client_disconnected_after_partial_response")
	})
}

// TestBulkThroughATunnel goes both ways, with one side closed before the other.
func TestBulkThroughATunnel(t *testing.T) {
	backend := rawBackend(t, func(c *rawConn) {
		c.head()
		c.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		all, _ := io.ReadAll(c.r)
		_, _ = c.Write(all)
		_, _ = io.WriteString(c.Conn, "end")
	})
	r := newRig(t, []string{backend}, nil)
	c := r.dial()
	c.say("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	if head := c.head(); !strings.HasPrefix(head, "HTTP/1.1 101") {
		t.Fatalf("got %q", head)
	}
	sent := strings.Repeat(large, 4)
	go func() {
		c.say(sent)
		_ = c.Conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(c.r)
	if err != nil || !bytes.Equal(got, []byte(sent+"end")) {
		t.Errorf("%d bytes of %d, %v", len(got), len(sent)+3, err)
	}
}
