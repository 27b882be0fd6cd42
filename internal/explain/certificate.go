package explain

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// withoutKeys returns the resources with another certificate for each that they have: no key decides where a request goes, and
// servers tell none (control.RedactModel).
func withoutKeys(list []*lbv1.Resource) ([]*lbv1.Resource, error) {
	out := make([]*lbv1.Resource, len(list))
	var standIn *lbv1.SslCertificate
	for i, r := range list {
		out[i] = r
		if r.GetSslCertificate() == nil {
			continue
		}
		if standIn == nil {
			var err error
			if standIn, err = newCertificate(); err != nil {
				return nil, err
			}
		}
		out[i] = &lbv1.Resource{Name: r.GetName(), Body: &lbv1.Resource_SslCertificate{SslCertificate: standIn}}
	}
	return out, nil
}

func newCertificate() (*lbv1.SslCertificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now, NotAfter: now.Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &lbv1.SslCertificate{
		CertificateChainPem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		PrivateKeyPem:       pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}, nil
}
