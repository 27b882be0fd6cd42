package http2

import (
	"testing"

	xhttp2 "golang.org/x/net/http2"
)

// TestFramesOnStreamsThatAreOver: what a client sends on a stream that it has ended, or on a number it has passed over,
// ends the connection (RFC 9113 sections 5.1 and 5.1.1), as does a stream that depends on itself.
func TestFramesOnStreamsThatAreOver(t *testing.T) {
	answered := func(id uint32) func(*outcome) bool { return func(o *outcome) bool { return o.ended[id] } }
	for _, c := range []struct {
		name string
		code xhttp2.ErrCode
		send func(p *rawPeer)
	}{
		{"DATA after END_STREAM", xhttp2.ErrCodeStreamClosed, func(p *rawPeer) {
			p.must(p.headers(1, true, get()...))
			p.until(answered(1))
			p.must(p.fr.WriteData(1, true, []byte("x")))
		}},
		{"HEADERS after END_STREAM", xhttp2.ErrCodeStreamClosed, func(p *rawPeer) {
			p.must(p.headers(1, true, get()...))
			p.until(answered(1))
			p.must(p.headers(1, true, get()...))
		}},
		{"DATA after RST_STREAM", xhttp2.ErrCodeStreamClosed, func(p *rawPeer) {
			p.must(p.headers(1, false, post()...))
			p.must(p.fr.WriteRSTStream(1, xhttp2.ErrCodeCancel))
			p.must(p.fr.WriteData(1, true, []byte("x")))
		}},
		{"HEADERS after RST_STREAM", xhttp2.ErrCodeStreamClosed, func(p *rawPeer) {
			p.must(p.headers(1, false, post()...))
			p.must(p.fr.WriteRSTStream(1, xhttp2.ErrCodeCancel))
			p.must(p.headers(1, true, "x-trailer", "v"))
		}},
		{"a request on a lower number", xhttp2.ErrCodeProtocol, func(p *rawPeer) {
			p.must(p.headers(5, true, get()...))
			p.must(p.headers(3, true, get()...))
		}},
		{"PRIORITY on itself", xhttp2.ErrCodeProtocol, func(p *rawPeer) {
			p.must(p.fr.WritePriority(3, xhttp2.PriorityParam{StreamDep: 3}))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := rawClient(t, listen(t, &ServerConfig{}, unlessReset))
			c.send(p)
			if o := p.until(closed); !o.gone || o.goAway != c.code {
				t.Errorf("GOAWAY %v %v %q, want %v", o.gone, o.goAway, o.debug, c.code)
			}
		})
	}
}

// unlessReset answers a request without a body, and no other: an answer before the client's reset would end the stream in
// a way that excuses what follows.
func unlessReset(st *ServerStream) {
	if st.Request().Body != nil {
		<-st.Done()
		return
	}
	_ = st.WriteHead(200, nil, true)
}

// TestHeadersThatDependOnThemselves: one stream suffers.
func TestHeadersThatDependOnThemselves(t *testing.T) {
	p := rawClient(t, listen(t, &ServerConfig{}, hello()))
	p.must(p.fr.WriteHeaders(xhttp2.HeadersFrameParam{
		StreamID: 1, BlockFragment: p.block(get()...), EndStream: true, EndHeaders: true, Priority: xhttp2.PriorityParam{StreamDep: 1, Weight: 9},
	}))
	p.must(p.headers(3, true, get()...))
	o := p.until(func(o *outcome) bool { return o.ended[3] })
	if o.resets[1] != xhttp2.ErrCodeProtocol || o.status[3] != "200" {
		t.Errorf("%+v", o)
	}
}

// TestTrailersOfAStreamThatWeReset are no offence: they were on their way.
func TestTrailersOfAStreamThatWeReset(t *testing.T) {
	p := rawClient(t, listen(t, &ServerConfig{}, func(st *ServerStream) { _ = st.WriteHead(200, nil, true) }))
	p.must(p.headers(1, false, post()...))
	p.until(func(o *outcome) bool { _, reset := o.resets[1]; return reset })
	p.must(p.fr.WriteData(1, false, []byte("x")))
	p.must(p.headers(1, true, "x-trailer", "v"))
	p.must(p.headers(3, true, get()...))
	if o := p.until(func(o *outcome) bool { return o.ended[3] }); o.status[3] != "200" {
		t.Errorf("%+v", o)
	}
}
