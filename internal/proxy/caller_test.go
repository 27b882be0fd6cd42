//lint:file-ignore SA1019 One connection that the test holds itself is what x/net has and net/http has not.

package proxy_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// reply is what a client got.
type reply struct {
	status  int
	header  http.Header
	body    string
	trailer http.Header
	informs []int
	cut     error // the head came, the body did not come whole
}

// caller is a client that keeps its connection for as long as it may.
type caller interface {
	// call asks; an error means that no answer came at all. A body is sent in two parts, the second when more is closed.
	call(method, path, first, second string, more <-chan struct{}) (reply, error)
}

// callerHost is what every caller asks for: in letters, and with a port, that are its own.
const callerHost = "Test.Example:8080"

// callers are the kinds of client, by name.
var callers = map[string]func(t testing.TB, addr string) caller{
	"1.0": func(t testing.TB, addr string) caller { return &caller1{t: t, addr: addr, minor: 0} },
	"1.1": func(t testing.TB, addr string) caller { return &caller1{t: t, addr: addr, minor: 1} },
	"TLS": func(t testing.TB, addr string) caller { return &caller1{t: t, addr: addr, minor: 1, secure: true} },
	"2":   func(t testing.TB, addr string) caller { return &caller2{t: t, addr: addr} },
}

// caller1 speaks HTTP/1.
type caller1 struct {
	t      testing.TB
	addr   string
	minor  int
	secure bool
	c      *rawConn
}

func (k *caller1) conn() (*rawConn, error) {
	if k.c != nil {
		return k.c, nil
	}
	nc, err := net.Dial("tcp", k.addr)
	if err != nil {
		return nil, err
	}
	k.t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	if k.secure {
		nc = tls.Client(nc, &tls.Config{InsecureSkipVerify: true})
	}
	k.c = &rawConn{Conn: nc, r: bufio.NewReader(nc)}
	return k.c, nil
}

func (k *caller1) drop() {
	_ = k.c.Close()
	k.c = nil
}

func (k *caller1) call(method, path, first, second string, more <-chan struct{}) (reply, error) {
	c, err := k.conn()
	if err != nil {
		return reply{}, err
	}
	_ = c.SetDeadline(time.Now().Add(patience))
	head := fmt.Sprintf("%s %s HTTP/1.%d\r\nHost: "+callerHost+"\r\nConnection: keep-alive\r\n", method, path, k.minor)
	sent := make(chan struct{})
	switch {
	case more == nil:
		close(sent)
		c.say(head + "\r\n")
	case k.minor == 0:
		go func() {
			defer close(sent)
			c.say(fmt.Sprintf("%sContent-Length: %d\r\n\r\n%s", head, len(first)+len(second), first))
			<-more
			c.say(second)
		}()
	default:
		go func() {
			defer close(sent)
			c.say(fmt.Sprintf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", head, len(first), first))
			<-more
			c.say(fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(second), second))
		}()
	}
	out, last, err := k.answer(method)
	if err != nil || last || out.cut != nil {
		k.drop()
	} else {
		<-sent
	}
	return out, err
}

// answer reads an answer and says whether it is the connection's last.
func (k *caller1) answer(method string) (out reply, last bool, err error) {
	for {
		res, err := http.ReadResponse(k.c.r, &http.Request{Method: method})
		if err != nil {
			return out, true, err
		}
		if res.StatusCode < 200 {
			out.informs = append(out.informs, res.StatusCode)
			continue
		}
		body, err := io.ReadAll(res.Body)
		out.status, out.header, out.body, out.trailer, out.cut = res.StatusCode, res.Header, string(body), res.Trailer, err
		return out, res.Close, nil
	}
}

// caller2 speaks HTTP/2 with prior knowledge.
type caller2 struct {
	t    testing.TB
	addr string
	cc   *http2.ClientConn
}

func (k *caller2) call(method, path, first, second string, more <-chan struct{}) (out reply, err error) {
	if k.cc == nil || !k.cc.CanTakeNewRequest() {
		nc, err := net.Dial("tcp", k.addr)
		if err != nil {
			return out, err
		}
		k.t.Cleanup(func() { _ = nc.Close() })
		if k.cc, err = (&http2.Transport{AllowHTTP: true, DisableCompression: true}).NewClientConn(nc); err != nil {
			return out, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, _ textproto.MIMEHeader) error {
		out.informs = append(out.informs, code)
		return nil
	}})
	q, err := http.NewRequestWithContext(ctx, method, "http://"+callerHost+path, nil)
	if err != nil {
		return out, err
	}
	if more != nil {
		sending, over := context.WithCancel(ctx)
		defer over()
		q.Body, q.ContentLength = &twoParts{first: strings.NewReader(first), second: strings.NewReader(second), more: more, over: over, ctx: sending}, -1
	}
	res, err := k.cc.RoundTrip(q)
	if err != nil {
		return out, err
	}
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if res.StatusCode == 304 {
		err = nil // x/net misses the body that content-length speaks of
	}
	out.status, out.header, out.body, out.trailer, out.cut = res.StatusCode, res.Header, string(body), res.Trailer, err
	return out, nil
}

// twoParts is a body whose second part waits.
type twoParts struct {
	first, second io.Reader
	more          <-chan struct{}
	ctx           context.Context
	over          func() // ends ctx
}

func (b *twoParts) Read(p []byte) (int, error) {
	if n, err := b.first.Read(p); n > 0 || !errors.Is(err, io.EOF) {
		return n, err
	}
	select {
	case <-b.more:
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	return b.second.Read(p)
}

func (b *twoParts) Close() error {
	b.over()
	return nil
}
