package proxytls

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TrustConfig is a parsed set of certificate authorities.
type TrustConfig struct {
	authorities []*x509.Certificate
	system      bool
	digest      [sha256.Size]byte
}

// ParseTrustConfig refuses PEM that holds anything but certificates, and sets that trust nobody.
func ParseTrustConfig(t *lbv1.TrustConfig) (*TrustConfig, error) {
	out := &TrustConfig{system: t.GetSystemRoots()}
	rest := t.GetCaPem()
	for len(rest) > 0 {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("found a PEM block %q where only CERTIFICATE belongs", block.Type)
		}
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(out.authorities)+1, err)
		}
		out.authorities = append(out.authorities, authority)
	}
	if len(out.authorities) == 0 && !out.system {
		return nil, errors.New("no certificate found in the CA's PEM")
	}
	out.digest = sha256.Sum256(fmt.Appendf(nil, "%t %s", out.system, t.GetCaPem()))
	return out, nil
}

// pool joins trust configs, found by name. The digest stands for its content.
func pool(names []string, r Resources) (roots *x509.CertPool, digest []byte, err error) {
	sum := sha256.New()
	roots = x509.NewCertPool()
	sets := make([]*TrustConfig, 0, len(names))
	for _, name := range names {
		t := r.TrustConfig(name)
		if t == nil {
			return nil, nil, fmt.Errorf("trust config %q does not exist", name)
		}
		if t.system {
			if roots, err = x509.SystemCertPool(); err != nil {
				return nil, nil, fmt.Errorf("trust config %q: system roots: %w", name, err)
			}
		}
		sum.Write(t.digest[:])
		sets = append(sets, t)
	}
	for _, t := range sets {
		for _, authority := range t.authorities {
			roots.AddCert(authority)
		}
	}
	return roots, sum.Sum(nil), nil
}
