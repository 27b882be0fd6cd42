package credentials_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	grpccredentials "google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/spillway-lb/spillway/internal/ads/credentials"
)

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fleet"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	return &authority{sign(t, template, template, key, key), key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &of.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// files writes a certificate for a name or an address, with the key and the authorities that its owner trusts.
func (a *authority) files(t *testing.T, dir, name string, trusts *authority) credentials.Files {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if ip := net.ParseIP(name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	cert := sign(t, template, a.cert, key, a.key)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f := credentials.Files{
		Certificate: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), Authority: filepath.Join(dir, "ca.crt"),
	}
	write(t, f.Certificate, "CERTIFICATE", cert.Raw)
	write(t, f.Key, "EC PRIVATE KEY", der)
	write(t, f.Authority, "CERTIFICATE", trusts.cert.Raw)
	return f
}

func write(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve runs a server with credentials until the test ends.
func serve(t *testing.T, f credentials.Files, options ...grpc.ServerOption) (at string) {
	t.Helper()
	c, err := credentials.Server(f)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.Creds(c))...)
	healthpb.RegisterHealthServer(server, health.NewServer())
	go func() { _ = server.Serve(ln) }() // it ends with Stop
	t.Cleanup(server.Stop)
	return ln.Addr().String()
}

// call makes one call over a connection of its own.
func call(t *testing.T, at string, c grpccredentials.TransportCredentials) error {
	t.Helper()
	conn, err := grpc.NewClient(at, grpc.WithTransportCredentials(c))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{})
	return err
}

func clientOf(t *testing.T, f credentials.Files, name string) grpccredentials.TransportCredentials {
	t.Helper()
	c, err := credentials.Client(f, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBothSidesShowCertificatesOfTheFleet(t *testing.T) {
	fleet, stranger := newAuthority(t), newAuthority(t)
	at := serve(t, fleet.files(t, t.TempDir(), "controller", fleet))
	proxy := fleet.files(t, t.TempDir(), "proxy", fleet)
	if err := call(t, at, clientOf(t, proxy, "controller")); err != nil {
		t.Error(err)
	}
	if call(t, at, clientOf(t, proxy, "somebody")) == nil {
		t.Error("a controller of another name was believed")
	}
	if call(t, at, clientOf(t, stranger.files(t, t.TempDir(), "proxy", fleet), "controller")) == nil {
		t.Error("a proxy of another authority was served")
	}
	if call(t, at, clientOf(t, fleet.files(t, t.TempDir(), "proxy", stranger), "controller")) == nil {
		t.Error("a controller of another authority was believed")
	}
}

// TestAControllerThatIsCalledByAddressIsChecked: any proxy's certificate would do otherwise.
func TestAControllerThatIsCalledByAddressIsChecked(t *testing.T) {
	fleet := newAuthority(t)
	proxy := fleet.files(t, t.TempDir(), "proxy", fleet)
	for _, name := range []string{"", "127.0.0.1"} {
		if call(t, serve(t, fleet.files(t, t.TempDir(), "controller", fleet)), clientOf(t, proxy, name)) == nil {
			t.Errorf("name %q: a certificate for another name was believed", name)
		}
		if err := call(t, serve(t, fleet.files(t, t.TempDir(), "127.0.0.1", fleet)), clientOf(t, proxy, name)); err != nil {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

// TestReplicasAreToldFromProxies by the names of their certificates: what replicas give each other, no proxy may have.
func TestReplicasAreToldFromProxies(t *testing.T) {
	fleet := newAuthority(t)
	own := fleet.files(t, t.TempDir(), "controllers.example", fleet)
	replica, err := credentials.Replica(own)
	if err != nil {
		t.Fatal(err)
	}
	at := serve(t, own, grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		if err := replica(ctx); err != nil {
			return nil, err
		}
		return handle(ctx, req)
	}))
	if err := call(t, at, clientOf(t, fleet.files(t, t.TempDir(), "Controllers.example", fleet), "controllers.example")); err != nil {
		t.Error(err)
	}
	err = call(t, at, clientOf(t, fleet.files(t, t.TempDir(), "proxy.example", fleet), "controllers.example"))
	if err == nil || !strings.Contains(err.Error(), "replicas share a DNS name") {
		t.Errorf("a proxy got %v", err)
	}
	if replica(t.Context()) == nil {
		t.Error("a caller without a certificate is a replica")
	}
}

// TestRotation goes to another authority without a restart of either side; a broken file changes nothing.
func TestRotation(t *testing.T) {
	before, after := newAuthority(t), newAuthority(t)
	serverDir, clientDir := t.TempDir(), t.TempDir()
	at := serve(t, before.files(t, serverDir, "controller", before))
	f := before.files(t, clientDir, "proxy", before)
	c := clientOf(t, f, "controller")
	later := time.Now().Add(time.Hour)
	if err := os.WriteFile(f.Key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.Key, later, later); err != nil {
		t.Fatal(err)
	}
	if err := call(t, at, c); err != nil {
		t.Errorf("with a broken key file: %v", err)
	}
	for _, dir := range []string{serverDir, clientDir} {
		f := after.files(t, dir, map[string]string{serverDir: "controller", clientDir: "proxy"}[dir], after)
		for _, name := range []string{f.Certificate, f.Key, f.Authority} {
			if err := os.Chtimes(name, later.Add(time.Hour), later.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := call(t, at, c); err != nil {
		t.Errorf("after the rotation: %v", err)
	}
	if call(t, at, clientOf(t, before.files(t, t.TempDir(), "proxy", after), "controller")) == nil {
		t.Error("a certificate of the old authority was taken")
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	if _, err := credentials.Server(credentials.Files{Certificate: "a"}); err == nil {
		t.Error("a missing key was taken")
	}
	a := newAuthority(t)
	f := a.files(t, t.TempDir(), "x", a)
	write(t, f.Authority, "SOMETHING", nil)
	if _, err := credentials.Client(f, ""); err == nil {
		t.Error("an authority without a certificate was taken")
	}
}

// TestACertificateAlone is shown to anybody, and read again when it changes; files that are not good leave the one from before.
func TestACertificateAlone(t *testing.T) {
	authority, dir := newAuthority(t), t.TempDir()
	if _, err := credentials.Certificate(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")); err == nil {
		t.Error("no files")
	}
	f := authority.files(t, dir, "a.test", authority)
	get, err := credentials.Certificate(f.Certificate, f.Key)
	if err != nil {
		t.Fatal(err)
	}
	shown := func() string {
		pair, err := get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf.DNSNames[0]
	}
	if got := shown(); got != "a.test" {
		t.Error(got)
	}
	authority.files(t, dir, "b.test", authority)
	later := time.Now().Add(time.Hour)
	for _, name := range []string{f.Certificate, f.Key} {
		if err := os.Chtimes(name, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(); got != "b.test" {
		t.Error(got)
	}
	if err := os.WriteFile(f.Key, []byte("key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := shown(); got != "b.test" {
		t.Error(got)
	}
}
