package downstream

import (
	"crypto/rand"
	"encoding/base64"

	"github.com/spillway-lb/spillway/internal/proxy/exchange"
	"github.com/spillway-lb/spillway/internal/proxy/http2"
)

// Tunnels with an HTTP/2 stream at one end or both. Inside the proxy every request for a protocol has the form of an
// HTTP/1 Upgrade (GET, answered by 101), so that routes and hooks see one form; extended CONNECT (RFC 8441) is turned
// into it here and in package upstream, and back.

var (
	methodGet       = []byte("GET")
	protocolWS      = []byte("websocket")
	websocketKey    = []byte("sec-websocket-key")
	websocketAccept = []byte("sec-websocket-accept")
)

// asUpgrade turns an extended CONNECT into an Upgrade. What the client sends from now on waits for the tunnel.
func asUpgrade(x *exchange.Exchange, d *h2Answer) bool {
	req := &x.Request
	if len(req.Protocol) == 0 || req.Body == nil {
		return false
	}
	req.Method = methodGet
	d.tunnel, req.Body, req.ContentLength = req.Body, nil, 0
	if _, ok := req.Header.GetName(websocketKey); !ok && string(req.Protocol) == string(protocolWS) {
		// HTTP/2 does without the key, an HTTP/1 backend needs one.
		var nonce [16]byte
		_, _ = rand.Read(nonce[:])
		key := x.Build(func(dst []byte) []byte { return base64.StdEncoding.AppendEncode(dst, nonce[:]) })
		req.Header.Add(websocketKey, key)
	}
	return true
}

// clientStream is a client's stream.
type clientStream struct{ d *h2Answer }

func (e *clientStream) Next() ([]byte, error) { return e.d.tunnel.Next() }

func (e *clientStream) Write(p []byte) error {
	err := e.d.st.WriteData(p, false)
	e.d.st.Flush()
	return err
}

func (e *clientStream) CloseWrite() { _ = e.d.st.WriteData(nil, true) }

func (e *clientStream) Interrupt() { e.d.st.Reset(http2.CodeCancel) }
