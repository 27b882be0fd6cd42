package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync/atomic"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/test/site"
)

// stage is the proxy, its backends, and what changes.
type stage struct {
	proxy        *proxy.Proxy
	plain, tls   netip.AddrPort
	servers      []*httptest.Server
	endpoints    []netip.AddrPort
	seq          uint64
	changes      atomic.Uint64
	extra        map[int]bool // precedences of routes that come and go
	certificates []*lbv1.SslCertificate
}

const (
	backends     = 4
	extraRoutes  = 500
	changePeriod = 5 * time.Millisecond
	bodyBytes    = 2000
)

// newStage starts backends and gives the proxy its first configuration.
func newStage(p *proxy.Proxy) (*stage, error) {
	s := &stage{proxy: p, extra: make(map[int]bool)}
	for range backends {
		server := httptest.NewServer(http.HandlerFunc(answer))
		s.servers = append(s.servers, server)
		s.endpoints = append(s.endpoints, server.Listener.Addr().(*net.TCPAddr).AddrPort())
	}
	for range 3 {
		c, err := site.SelfSigned()
		if err != nil {
			return nil, err
		}
		s.certificates = append(s.certificates, c)
	}
	for _, at := range []*netip.AddrPort{&s.plain, &s.tls} {
		var err error
		if *at, err = site.FreePort(); err != nil {
			return nil, err
		}
	}
	first := site.Front("plain", s.plain, nil)
	first = append(first, site.Front("tls", s.tls, s.certificates[0])...)
	first = append(first, site.Service("main", lbv1.BackendProtocol_HTTP, s.endpoints...)...)
	for _, front := range []string{"plain", "tls"} {
		first = append(first, site.Route(front, lastPrecedence, "/", "main"))
	}
	return s, s.apply(first, nil)
}

// lastPrecedence puts the route that the load uses behind all that come and go.
const lastPrecedence = 999_999

// answer reads the request's body and sends its own.
func answer(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/octet-stream")
	_, _ = w.Write(make([]byte, bodyBytes))
}

func (s *stage) close() {
	for _, server := range s.servers {
		server.Close()
	}
}

func (s *stage) apply(upserts []*lbv1.Resource, deletes []*lbv1.ResourceKey) error {
	s.seq++
	if err := s.proxy.Update(&lbv1.Transaction{Seq: s.seq, Upserts: upserts, Deletes: deletes}); err != nil {
		return fmt.Errorf("change %d: %w", s.seq, err)
	}
	s.changes.Add(1)
	return nil
}

// churn changes one thing after the other until the time is up.
func (s *stage) churn(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2))
	ticker := time.NewTicker(changePeriod)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.change(random, n); err != nil {
			return err
		}
	}
}

func (s *stage) change(random *rand.Rand, n int) error {
	switch n % 4 {
	case 0: // a certificate
		return s.apply([]*lbv1.Resource{site.Certificate("tls", s.certificates[n/4%len(s.certificates)])}, nil)
	case 1: // at least one endpoint stays
		some := make([]netip.AddrPort, 0, backends)
		for _, i := range random.Perm(backends)[:1+random.IntN(backends)] {
			some = append(some, s.endpoints[i])
		}
		return s.apply([]*lbv1.Resource{site.Endpoints("main", some...)}, nil)
	}
	return s.changeRoute(random.IntN(extraRoutes))
}

// changeRoute adds a route with a backend service of its own, or removes both.
func (s *stage) changeRoute(i int) error {
	service := fmt.Sprintf("extra-%d", i)
	if s.extra[i] {
		delete(s.extra, i)
		return s.apply(nil, []*lbv1.ResourceKey{
			{Kind: "route_rule", Name: site.RouteName("plain", i)},
			{Kind: "backend_service", Name: service},
			{Kind: "network_endpoint_group", Name: service},
			{Kind: "endpoint_shard", Name: service + "/0"},
		})
	}
	s.extra[i] = true
	upserts := site.Service(service, lbv1.BackendProtocol_HTTP, s.endpoints[i%backends])
	return s.apply(append(upserts, site.Route("plain", i, fmt.Sprintf("/extra/%d", i), service)), nil)
}
