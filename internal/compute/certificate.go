package compute

import (
	"crypto/x509"
	"encoding/pem"
	"time"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func certificates(v *View, r *lbv1.Resource) []Resource {
	c := r.GetSslCertificate()
	if c == nil {
		return nil
	}
	region := v.regions.certificates[r.GetName()]
	return v.at(r, Location{Region: region}, "sslCertificates", r.GetName(), c.GetOwner(), func(head Resource) shown {
		text := string(c.GetCertificateChainPem())
		certificate := &api.SslCertificate{
			Kind: "compute#sslCertificate", Id: head.ID(), Name: head.Name, SelfLink: head.selfLink(), Region: v.regionLink(region),
			CreationTimestamp: head.created(), Type: "SELF_MANAGED", Certificate: text,
			SelfManaged: &api.SslCertificateSelfManagedSslCertificate{Certificate: text},
		}
		if leaf := leafOf(c.GetCertificateChainPem()); leaf != nil {
			certificate.ExpireTime = leaf.NotAfter.UTC().Format(time.RFC3339)
			certificate.SubjectAlternativeNames = leaf.DNSNames
		}
		return shown{body: certificate}
	})
}

// leafOf is the first certificate of a chain, nil for text that is none.
func leafOf(chain []byte) *x509.Certificate {
	block, _ := pem.Decode(chain)
	if block == nil {
		return nil
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return leaf
}
