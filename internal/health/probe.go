package health

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/descriptors"
)

// maxAnswer is how much of an answer is looked at.
const maxAnswer = 1024

// prober runs one probe.
type prober interface {
	run(ctx context.Context, job Job) Outcome
}

// runner probes through sockets. Each probe is a connection of its own.
type runner struct {
	userAgent string
	dialer    net.Dialer
}

func newProbeRunner(userAgent string) *runner {
	// No Happy Eyeballs, no keep-alive probes: the address is a literal and the connection short.
	return &runner{userAgent: userAgent, dialer: net.Dialer{KeepAlive: -1}}
}

// run never takes longer than ctx allows.
func (r *runner) run(ctx context.Context, job Job) Outcome {
	s := &job.Settings
	conn, err := r.connect(ctx, s, job.Address)
	if err != nil {
		return failed(ctx, s, err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return failed(ctx, s, err)
		}
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	var detail string
	switch s.Type {
	case lbv1.HealthCheck_TCP:
		detail, err = exchangeTCP(conn, s)
	case lbv1.HealthCheck_GRPC:
		detail, err = r.exchangeGRPC(ctx, conn, s, job.Address)
	default:
		detail, err = r.exchangeHTTP(ctx, conn, s, job.Address)
	}
	if err != nil {
		return failed(ctx, s, err)
	}
	return Outcome{OK: true, Detail: detail}
}

func (r *runner) connect(ctx context.Context, s *Settings, endpoint netip.AddrPort) (net.Conn, error) {
	conn, err := r.dialer.DialContext(ctx, "tcp", s.target(endpoint).String())
	if err != nil {
		return nil, err
	}
	if s.ProxyHeader {
		if _, err := io.WriteString(conn, proxyV1(conn)); err != nil {
			conn.Close()
			return nil, err
		}
	}
	if s.Type != lbv1.HealthCheck_HTTPS && s.Type != lbv1.HealthCheck_HTTP2 {
		return conn, nil
	}
	// Probes look whether the endpoint answers, not who it is.
	config := &tls.Config{InsecureSkipVerify: true, ServerName: s.Host, NextProtos: []string{"http/1.1"}}
	if s.Type == lbv1.HealthCheck_HTTP2 {
		config.NextProtos = []string{"h2"}
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	if s.Type == lbv1.HealthCheck_HTTP2 && secure.ConnectionState().NegotiatedProtocol != "h2" {
		secure.Close()
		return nil, errors.New("the endpoint does not speak HTTP/2 (ALPN)")
	}
	return secure, nil
}

// proxyV1 is the header of the PROXY protocol, version 1.
func proxyV1(conn net.Conn) string {
	from, err1 := netip.ParseAddrPort(conn.LocalAddr().String())
	to, err2 := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err1 != nil || err2 != nil {
		return "PROXY UNKNOWN\r\n"
	}
	family := "TCP4"
	if to.Addr().Is6() {
		family = "TCP6"
	}
	return fmt.Sprintf("PROXY %s %s %s %d %d\r\n", family, from.Addr(), to.Addr(), from.Port(), to.Port())
}

func exchangeTCP(conn net.Conn, s *Settings) (string, error) {
	if s.Request != "" {
		if _, err := io.WriteString(conn, s.Request); err != nil {
			return "", err
		}
	}
	if s.Response == "" {
		return "connected", nil
	}
	var got []byte
	buf := make([]byte, maxAnswer)
	for len(got) < maxAnswer {
		n, err := conn.Read(buf[:maxAnswer-len(got)])
		got = append(got, buf[:n]...)
		if bytes.Contains(got, []byte(s.Response)) {
			return "response matched", nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if err != nil {
			break
		}
	}
	return "", errNoMatch
}

var errNoMatch = errors.New("the answer does not have the expected response")

// roundTrip sends a request over a connection that is there already, TLS included.
func roundTrip(conn net.Conn, s *Settings, req *http.Request) (*http.Response, error) {
	used := false
	dial := func(context.Context, string, string) (net.Conn, error) {
		if used {
			return nil, io.ErrUnexpectedEOF
		}
		used = true
		return conn, nil
	}
	t := &http.Transport{
		DialContext: dial, DialTLSContext: dial, DisableKeepAlives: true, DisableCompression: true, Protocols: new(http.Protocols),
	}
	switch s.Type {
	case lbv1.HealthCheck_HTTP2:
		t.Protocols.SetHTTP2(true)
	case lbv1.HealthCheck_GRPC:
		t.Protocols.SetUnencryptedHTTP2(true)
	default:
		t.Protocols.SetHTTP1(true)
	}
	return t.RoundTrip(req)
}

// url is where the request goes: the connection decides about the host, the settings about the path.
func (s *Settings) url(endpoint netip.AddrPort, path string) *url.URL {
	u := &url.URL{Scheme: "http", Host: s.target(endpoint).String()}
	if s.Type == lbv1.HealthCheck_HTTPS || s.Type == lbv1.HealthCheck_HTTP2 {
		u.Scheme = "https"
	}
	u.Opaque, u.RawQuery, _ = strings.Cut(path, "?")
	return u
}

// exchangeHTTP counts status 200 as healthy, nothing else; redirects are not followed.
func (r *runner) exchangeHTTP(ctx context.Context, conn net.Conn, s *Settings, endpoint netip.AddrPort) (string, error) {
	req := (&http.Request{
		Method: http.MethodGet, URL: s.url(endpoint, s.Path), Host: s.Host, Header: http.Header{"User-Agent": {r.userAgent}},
	}).WithContext(ctx)
	if req.Host == "" {
		req.Host = endpoint.Addr().String()
		if endpoint.Addr().Is6() {
			req.Host = "[" + req.Host + "]"
		}
	}
	resp, err := roundTrip(conn, s, req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	detail := fmt.Sprintf("HTTP %d", resp.StatusCode)
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(detail)
	}
	if s.Response == "" {
		return detail, nil
	}
	head, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if bytes.Contains(head, []byte(s.Response)) {
		return detail, nil
	}
	if err != nil {
		return "", err
	}
	return "", fmt.Errorf("%s, but %w", detail, errNoMatch)
}

// closedBeforeUse is how net/http tells, without an error to compare with, that the peer closed before the request went out.
const closedBeforeUse = "server closed idle connection"

// failed says why, in few words.
func failed(ctx context.Context, s *Settings, err error) Outcome {
	var timeout net.Error
	switch {
	case descriptors.Own(err):
		return Outcome{Own: true, Detail: "no probe could be made: " + err.Error()}
	case errors.Is(err, syscall.ECONNREFUSED):
		return Outcome{Detail: "connection refused"}
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return Outcome{Silent: true, Detail: fmt.Sprintf("no answer in %v", s.Timeout.Round(time.Millisecond))}
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, context.Canceled):
		return Outcome{Silent: true, Detail: err.Error()}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), strings.Contains(err.Error(), closedBeforeUse):
		return Outcome{Detail: "connection closed"}
	}
	return Outcome{Detail: err.Error()}
}
