package http2

import (
	"io"
	"net"
	"testing"
	"time"

	xhttp2 "golang.org/x/net/http2"

	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// rawServer connects a client to a scripted server. script runs once the client has said hello.
func rawServer(t *testing.T, cfg *ClientConfig, settings []xhttp2.Setting, script func(p *rawPeer)) *ClientConn {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := ln.Accept()
		_ = ln.Close()
		if err != nil {
			return
		}
		p := newRawPeer(t, nc)
		if _, err := io.ReadFull(nc, make([]byte, len(preface))); err != nil {
			return
		}
		_ = p.fr.WriteSettings(settings...)
		script(p)
		_ = nc.Close()
	}()
	cc := dial(t, ln.Addr().String(), cfg)
	t.Cleanup(func() {
		_ = cc.Close()
		<-done
	})
	return cc
}

// awaitHeaders reads until a request head comes and returns its stream; 0 when the client is gone.
func (p *rawPeer) awaitHeaders() uint32 {
	for {
		f, err := p.fr.ReadFrame()
		if err != nil {
			return 0
		}
		if h, ok := f.(*xhttp2.HeadersFrame); ok {
			return h.StreamID
		}
	}
}

// answer is what a client made of an answer.
type answer struct {
	resp     message.Response
	body     string
	trailers map[string]string
	informs  []int
	err      error
}

func roundTrip(cc *ClientConn, req *message.Request) answer {
	var a answer
	cs, err := cc.Open(req, true)
	if err != nil {
		a.err = err
		return a
	}
	defer cs.Close()
	a.err = cs.ReadHead(&a.resp, func(status int, _ *header.Map) { a.informs = append(a.informs, status) })
	if a.err != nil || a.resp.Body == nil {
		return a
	}
	body, err := readBody(a.resp.Body)
	a.body, a.err = string(body), err
	if tr := a.resp.Body.Trailers(); tr != nil {
		a.trailers = map[string]string{}
		for i := range tr.Len() {
			a.trailers[string(tr.At(i).Name)] = string(tr.At(i).Value)
		}
	}
	return a
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 10000 {
		if ok() {
			return
		}
		<-tick.C
	}
	t.Fatal("it never came to be")
}
