package proxy_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// certificate is a self-signed one for the names.
func certificate(t testing.TB, names ...string) (*lbv1.SslCertificate, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c := &lbv1.SslCertificate{
		CertificateChainPem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		PrivateKeyPem:       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
	pair, err := tls.X509KeyPair(c.CertificateChainPem, c.PrivateKeyPem)
	if err != nil {
		t.Fatal(err)
	}
	return c, pair
}

// withTLS makes the rig's frontend speak TLS with a certificate for the names.
func withTLS(t testing.TB, m *model, names ...string) {
	c, _ := certificate(t, names...)
	m.target.Tls = &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{Certificates: []string{"cert"}}}}
	m.more = append(m.more, &lbv1.Resource{Name: "cert", Body: &lbv1.Resource_SslCertificate{SslCertificate: c}})
}

// tlsBackend is a net/http server with TLS, HTTP/2 where the client wants it.
func tlsBackend(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	_, pair := certificate(t, "backend.example")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h, TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}}}
	go func() { _ = s.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}

// client speaks HTTP/1.1 or HTTP/2, with or without TLS.
func client(t testing.TB, version int) *http.Client {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, Protocols: &http.Protocols{}}
	if version == 2 {
		tr.Protocols.SetHTTP2(true)
		tr.Protocols.SetUnencryptedHTTP2(true)
	} else {
		tr.Protocols.SetHTTP1(true)
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// echo answers with the protocol it saw and the body it got.
func echo(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Protocol", q.Proto)
	w.Header().Set("X-Host", q.Host)
	w.Header().Set("Trailer", "X-Sum")
	_, _ = w.Write(body)
	w.Header().Set("X-Sum", fmt.Sprint(len(body)))
}

// TestEveryPairOfProtocols carries bodies of several sizes through every combination of HTTP versions and TLS.
func TestEveryPairOfProtocols(t *testing.T) {
	for _, up := range []lbv1.BackendProtocol{
		lbv1.BackendProtocol_HTTP, lbv1.BackendProtocol_HTTPS, lbv1.BackendProtocol_HTTP2, lbv1.BackendProtocol_H2C,
	} {
		backend := httpBackend
		if up == lbv1.BackendProtocol_HTTPS || up == lbv1.BackendProtocol_HTTP2 {
			backend = tlsBackend
		}
		wantProto := "HTTP/1.1"
		if up == lbv1.BackendProtocol_HTTP2 || up == lbv1.BackendProtocol_H2C {
			wantProto = "HTTP/2.0"
		}
		for _, scheme := range []string{"http", "https"} {
			for _, version := range []int{1, 2} {
				t.Run(fmt.Sprintf("%s HTTP-%d to %s", scheme, version, up), func(t *testing.T) {
					r := newRig(t, []string{backend(t, echo)}, func(m *model) {
						m.service.Protocol = up
						if scheme == "https" {
							withTLS(t, m, "test.example")
						}
					})
					c := client(t, version)
					for _, size := range []int{0, 10, 5000, 200 << 10, 3 << 20} {
						sent := bytes.Repeat([]byte{'x'}, size)
						q, _ := http.NewRequest("POST", scheme+"://"+r.addr+"/echo", bytes.NewReader(sent))
						q.Host = "test.example"
						res, err := c.Do(q)
						if err != nil {
							t.Fatal(err)
						}
						got, err := io.ReadAll(res.Body)
						if err != nil || !bytes.Equal(got, sent) || res.ProtoMajor != version {
							t.Fatalf("%d bytes: got %d, %v, %s", size, len(got), err, res.Proto)
						}
						if res.Header.Get("X-Protocol") != wantProto || res.Header.Get("X-Host") != "test.example" {
							t.Errorf("backend saw %v", res.Header)
						}
						if size > 0 && res.Trailer.Get("X-Sum") != fmt.Sprint(size) {
							t.Errorf("%d bytes: trailer %v", size, res.Trailer)
						}
					}
				})
			}
		}
	}
}

func TestCertificatesChangeWithoutADroppedConnection(t *testing.T) {
	backend := httpBackend(t, echo)
	r := newRig(t, []string{backend}, func(m *model) { withTLS(t, m, "old.example") })
	old, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = old.Close() }()
	next, _ := certificate(t, "new.example")
	if err := r.Update(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{
		{Name: "cert", Body: &lbv1.Resource_SslCertificate{SslCertificate: next}},
	}}); err != nil {
		t.Fatal(err)
	}
	fresh, err := tls.Dial("tcp", r.addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = fresh.Close() }()
	if name := fresh.ConnectionState().PeerCertificates[0].Subject.CommonName; name != "new.example" {
		t.Errorf("certificate of %s", name)
	}
	_, _ = io.WriteString(old, "GET / HTTP/1.1\r\nHost: old.example\r\nConnection: close\r\n\r\n")
	if raw, _ := io.ReadAll(old); !strings.HasPrefix(string(raw), "HTTP/1.1 200") {
		t.Errorf("the old connection got %q", raw)
	}
}

func TestUnsolicitedBytesUnderTLS(t *testing.T) {
	_, pair := certificate(t, "backend.example")
	sent := make(chan bool, 8)
	backend := rawBackend(t, func(c *rawConn) {
		tc := tls.Server(c.Conn, &tls.Config{Certificates: []tls.Certificate{pair}})
		buf := make([]byte, 4096)
		for {
			if _, err := tc.Read(buf); err != nil {
				return
			}
			_, _ = io.WriteString(tc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
			_, _ = io.WriteString(tc, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
			sent <- true
		}
	})
	r := newRig(t, []string{backend}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_HTTPS })
	for range 5 {
		_, body := r.get("/")
		<-sent
		if body != "good" {
			t.Fatalf("got %q", body)
		}
	}
}
