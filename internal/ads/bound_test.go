package ads_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	"github.com/spillway-lb/spillway/internal/ads"
	"github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/location"
)

// fleetFiles are certificates of one authority, one for each list of URIs.
func fleetFiles(t *testing.T, uris ...[]string) []credentials.Files {
	t.Helper()
	authority, key := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, newKey(t)
	root := sign(t, authority, authority, key, key)
	var out []credentials.Files
	for _, list := range uris {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(2), DNSNames: []string{"controller"}, NotAfter: time.Now().Add(time.Hour),
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		}
		for _, text := range list {
			u, err := url.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			template.URIs = append(template.URIs, u)
		}
		own := newKey(t)
		der, err := x509.MarshalECPrivateKey(own)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		out = append(out, credentials.Files{
			Certificate: writePEM(t, filepath.Join(dir, "tls.crt"), "CERTIFICATE", sign(t, template, authority, own, key)),
			Key:         writePEM(t, filepath.Join(dir, "tls.key"), "EC PRIVATE KEY", der),
			Authority:   writePEM(t, filepath.Join(dir, "ca.crt"), "CERTIFICATE", root),
		})
	}
	return out
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, of, by *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &of.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func writePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAProxyIsWhereItsCertificateSays, on both streams.
func TestAProxyIsWhereItsCertificateSays(t *testing.T) {
	files := fleetFiles(t, nil, []string{"spiffe://example.com/spillway/region/west/name/p1"}, []string{"spiffe://example.com/spillway/region/west/name/p2"})
	c := &controller{ear: &ear{open: map[string]int{}, reports: map[string]location.Report{}, verdicts: map[string]string{}}}
	c.Server = ads.New(ads.Config{Feedback: c.ear, Bound: true})
	creds, err := credentials.Server(files[0])
	if err != nil {
		t.Fatal(err)
	}
	c.grpc = grpc.NewServer(grpc.Creds(creds))
	c.Register(c.grpc)
	c.listen(t, "")
	c.Follow(nil)

	// ask opens an ADS stream, and returns how it is answered.
	ask := func(f credentials.Files, name, region string) (*grpc.ClientConn, error) {
		creds, err := credentials.Client(f, "controller")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := grpc.NewClient(c.at, grpc.WithTransportCredentials(creds))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{
			Node: &corev3.Node{Id: name, Locality: &corev3.Locality{Region: region}}, TypeUrl: wire.TypeURL,
		}); err != nil {
			t.Fatal(err)
		}
		_, err = stream.Recv()
		return conn, err
	}
	for _, x := range []struct {
		file         int
		name, region string
		want         codes.Code
	}{
		{0, "p1", "west", codes.PermissionDenied},
		{1, "p1", "west", codes.OK},
		{1, "p1", "east", codes.PermissionDenied},
		{1, "p2", "west", codes.PermissionDenied},
	} {
		if _, err := ask(files[x.file], x.name, x.region); status.Code(err) != x.want {
			t.Errorf("certificate %d as %s in %s: %v, want %v", x.file, x.name, x.region, err, x.want)
		}
	}
	conn, err := ask(files[2], "p2", "west")
	if err != nil {
		t.Fatal(err)
	}
	words, err := wire.OpenReports(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if err := words.Send(&fleetv1.Word{Node: "west/p1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := words.Recv(); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a proxy speaks for another: %v", err)
	}
}
