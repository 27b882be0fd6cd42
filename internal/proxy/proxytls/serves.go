package proxytls

import (
	"crypto/tls"
	"crypto/x509"
)

// Serves is the certificate that a client of today gets who asks for a host; nil if such clients are refused.
func (p *ServerPolicy) Serves(host string) *x509.Certificate {
	n, ok := p.hosts.Find(host)
	if !ok {
		return nil
	}
	pair, err := n.certificate(&tls.ClientHelloInfo{
		ServerName:        host,
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes: []tls.SignatureScheme{
			tls.ECDSAWithP256AndSHA256, tls.ECDSAWithP384AndSHA384, tls.ECDSAWithP521AndSHA512, tls.Ed25519,
			tls.PSSWithSHA256, tls.PSSWithSHA384, tls.PSSWithSHA512,
		},
		SupportedCurves: []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384, tls.CurveP521},
	})
	if err != nil {
		return nil
	}
	return pair.Leaf
}
