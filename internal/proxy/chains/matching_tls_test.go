package chains_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net/http"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// pair is a certificate that signs itself, for both sides.
func pair(t *testing.T) (certificate tls.Certificate, certificatePEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), DNSNames: []string{"store.example.com"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key},
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// TestAttributesOfTLS asks for what is known of a client with a certificate, and of one without, in both versions of HTTP.
func TestAttributesOfTLS(t *testing.T) {
	certificate, certificatePEM, keyPEM := pair(t)
	sum := sha256.Sum256(certificate.Certificate[0])
	digest := `connection.sha256_peer_certificate_digest == "` + hex.EncodeToString(sum[:]) + `"`
	chains := []*lbv1.ExtensionChain{
		chainNamed("peer", when(digest+` && connection.sni == "store.example.com"`)),
		chainNamed("tls12", when(`connection.tls_version == "TLSv1.2" && request.scheme == "https"`)),
		chainNamed("tls13", when(`connection.tls_version == "TLSv1.3" && connection.requested_server_name == "store.example.com"`)),
	}
	x := newSite(t, setup{
		backend: ran, callout: calloutserver.Handler(whichChain), plain: true,
		edit: func(m *resources) {
			m.traffic = &lbv1.LbExtension{Chains: chains}
			m.target.Tls = &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{
				Certificates:     []string{"certificate"},
				ClientValidation: &lbv1.ClientValidation{TrustConfigs: []string{"trust"}, Mode: lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK},
			}}}
			m.more = append(m.more,
				&lbv1.Resource{Name: "certificate", Body: &lbv1.Resource_SslCertificate{SslCertificate: &lbv1.SslCertificate{CertificateChainPem: certificatePEM, PrivateKeyPem: keyPEM}}},
				&lbv1.Resource{Name: "trust", Body: &lbv1.Resource_TrustConfig{TrustConfig: &lbv1.TrustConfig{CaPem: certificatePEM}}},
			)
		},
	})
	for _, tt := range []struct {
		ran        string
		maxVersion uint16
		client     []tls.Certificate
	}{
		{"peer", tls.VersionTLS13, []tls.Certificate{certificate}},
		{"tls13", tls.VersionTLS13, nil},
		{"tls12", tls.VersionTLS12, nil},
	} {
		for _, http2 := range []bool{false, true} {
			var p http.Protocols
			p.SetHTTP1(!http2)
			p.SetHTTP2(http2)
			tr := &http.Transport{Protocols: &p, TLSClientConfig: &tls.Config{
				ServerName: "store.example.com", InsecureSkipVerify: true, MaxVersion: tt.maxVersion, Certificates: tt.client,
			}}
			q, err := http.NewRequest(http.MethodGet, "https://"+x.addr+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			q.Host = "store.example.com"
			if got := chainsOf(t, &http.Client{Transport: tr, Timeout: patience}, q); got != tt.ran {
				t.Errorf("HTTP/2 %v: %q ran, want %q", http2, got, tt.ran)
			}
			tr.CloseIdleConnections()
		}
	}
}
