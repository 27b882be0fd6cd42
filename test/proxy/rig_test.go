package proxy_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/test/site"
)

// rig is a proxy with a plain and a TLS front, both before the same backend.
type rig struct {
	plain, tls netip.AddrPort
	// ca is the file of the certificate that the TLS front shows.
	ca string
}

func newRig(t *testing.T, protocol lbv1.BackendProtocol, backend netip.AddrPort) *rig {
	t.Helper()
	r := &rig{ca: filepath.Join(t.TempDir(), "ca.pem")}
	certificate, err := site.SelfSigned()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.ca, certificate.GetCertificateChainPem(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []*netip.AddrPort{&r.plain, &r.tls} {
		if *at, err = site.FreePort(); err != nil {
			t.Fatal(err)
		}
	}
	resources := append(site.Front("plain", r.plain, nil), site.Front("tls", r.tls, certificate)...)
	resources = append(resources, site.Service("main", protocol, backend)...)
	resources = append(resources, site.Route("plain", 1, "/", "main"), site.Route("tls", 1, "/", "main"))
	p := proxy.New(proxy.Config{})
	t.Cleanup(func() { _ = p.Close() })
	if err := p.Update(&lbv1.Transaction{Seq: 1, Upserts: resources}); err != nil {
		t.Fatal(err)
	}
	return r
}

// behind starts an HTTP/1.1 backend and a rig before it.
func behind(t *testing.T, h http.Handler) *rig {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return newRig(t, lbv1.BackendProtocol_HTTP, addrOf(server.Listener))
}

func addrOf(l net.Listener) netip.AddrPort { return l.Addr().(*net.TCPAddr).AddrPort() }

// tool runs a client, and fails the test unless the client is content.
func tool(t *testing.T, debian, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed; the Debian package %s has it", name, debian)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
