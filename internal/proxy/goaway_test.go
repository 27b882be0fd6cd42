package proxy_test

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// departing is an HTTP/2 backend that takes so many requests a connection, then says GOAWAY and ignores what comes, as
// servers with a bound on requests do. It counts which requests it has processed.
type departing struct {
	addr  string
	mu    sync.Mutex
	times map[string]int // a request's number was processed
	told  map[string]int // schemes
}

// leaving is what becomes of a connection after the last answer.
type leaving string

const (
	staying  leaving = "stay"
	leaves   leaving = "close"
	slamming leaving = "reset"
)

func newDeparting(t testing.TB, requests int, how leaving) *departing {
	d := &departing{times: map[string]int{}, told: map[string]int{}}
	d.addr = rawBackend(t, func(c *rawConn) { d.serve(c, requests, how) })
	return d
}

func (d *departing) serve(c *rawConn, requests int, how leaving) {
	if _, err := io.ReadFull(c.r, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c.Conn, c.r)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = f.WriteSettings()
	open, taken := map[uint32]string{}, 0
	for {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		id := frame.Header().StreamID
		if q, ok := frame.(*http2.MetaHeadersFrame); ok && taken < requests {
			taken++
			open[id] = q.PseudoValue("path")
			d.mu.Lock()
			d.told[q.PseudoValue("scheme")]++
			d.mu.Unlock()
			if taken == requests {
				_ = f.WriteGoAway(id, http2.ErrCodeNo, nil)
			}
		}
		if s, ok := frame.(*http2.SettingsFrame); ok && !s.IsAck() {
			_ = f.WriteSettingsAck()
		}
		path, ok := open[id]
		if !ok || !frame.Header().Flags.Has(http2.FlagDataEndStream) || frame.Header().Type == http2.FrameSettings {
			continue
		}
		delete(open, id)
		d.mu.Lock()
		d.times[path]++
		d.mu.Unlock()
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: status200(), EndHeaders: true, EndStream: true})
		if how == staying || taken < requests || len(open) > 0 {
			continue
		}
		if how == leaves {
			_ = c.Conn.(*net.TCPConn).CloseWrite()
			c.gone()
		}
		return // with what has come unread, which makes it a reset; what was said before lies at the proxy
	}
}

// TestNobodyNoticesGoAway: a backend that ends each connection after a few requests costs no client anything, not those
// whose requests it ignored, nor those in the middle of an upload; and no request is processed twice.
func TestNobodyNoticesGoAway(t *testing.T) {
	for _, requests := range []int{5, 1} {
		for _, how := range []leaving{staying, leaves, slamming} {
			for _, upload := range []bool{false, true} {
				t.Run(fmt.Sprintf("%d requests, %s, upload %v", requests, how, upload), func(t *testing.T) {
					t.Parallel()
					d := newDeparting(t, requests, how)
					r := newRig(t, []string{d.addr}, func(m *model) { m.service.Protocol = lbv1.BackendProtocol_H2C })
					const clients, each = 32, 10
					var failed atomic.Int32
					var running sync.WaitGroup
					for i := range clients {
						k := &caller1{t: t, addr: r.addr, minor: 1}
						running.Go(func() {
							for j := range each {
								method, body, more := "POST", "", chan struct{}(nil)
								if upload {
									more, body = make(chan struct{}), "part"
									close(more)
								}
								got, err := k.call(method, fmt.Sprintf("/%d/%d", i, j), body, body, more)
								if err != nil || got.status != 200 {
									failed.Add(1)
									t.Logf("%v %d %s", err, got.status, got.body)
								}
							}
						})
					}
					running.Wait()
					if n := failed.Load(); n > 0 {
						t.Errorf("%d of %d failed", n, clients*each)
					}
					d.mu.Lock()
					defer d.mu.Unlock()
					if len(d.times) != clients*each {
						t.Errorf("%d requests were processed", len(d.times))
					}
					for path, n := range d.times {
						if n != 1 {
							t.Errorf("%s was processed %d times", path, n)
						}
					}
				})
			}
		}
	}
}

// TestTheSchemeIsTheHops: a backend without TLS is not told "https" because its client's client has it; some reset such streams.
func TestTheSchemeIsTheHops(t *testing.T) {
	d := newDeparting(t, 100, staying)
	r := newRig(t, []string{d.addr}, func(m *model) {
		withTLS(t, m, "a.test")
		m.service.Protocol = lbv1.BackendProtocol_H2C
	})
	for _, version := range []int{1, 2} {
		res, err := client(t, version).Post("https://"+r.addr+"/", "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 200 {
			t.Errorf("HTTP/%d: %s", version, res.Status)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told["http"] != 2 || len(d.told) != 1 {
		t.Errorf("schemes: %v", d.told)
	}
}
