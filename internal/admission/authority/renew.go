package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"time"
)

const (
	authorityLife = 10 * 365 * 24 * time.Hour
	life          = 365 * 24 * time.Hour
	// skew is how far the clocks of API servers may be behind.
	skew = time.Hour
)

// renew returns what is to be in the Secret instead of what is, nil if that is good: a certificate for the hosts, of which a third of its
// life is left, signed by an authority of which that is true, too. An authority that was before goes on being trusted until it expires,
// so that nobody has to hurry.
func renew(old map[string][]byte, hosts []string, now time.Time) (map[string][]byte, error) {
	ca, err := tls.X509KeyPair(old[fieldAuthority], old[fieldAuthorityKey])
	trusted := old[fieldAuthority]
	if err != nil || ends(ca.Leaf, authorityLife, now) || !ca.Leaf.IsCA {
		if ca, err = sign(nil, authorityTemplate(now)); err != nil {
			return nil, err
		}
		trusted = append(encode("CERTIFICATE", ca.Certificate[0]), valid(old[fieldAuthority], now)...)
	} else if leaf, err := tls.X509KeyPair(old[fieldCertificate], old[fieldKey]); err == nil && fits(leaf.Leaf, ca.Leaf, hosts, now) {
		return nil, nil
	}
	leaf, err := sign(&ca, template(hosts, now))
	if err != nil {
		return nil, err
	}
	next := map[string][]byte{fieldAuthority: trusted, fieldCertificate: encode("CERTIFICATE", leaf.Certificate[0])}
	for field, pair := range map[string]tls.Certificate{fieldAuthorityKey: ca, fieldKey: leaf} {
		der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			return nil, err
		}
		next[field] = encode("PRIVATE KEY", der)
	}
	return next, nil
}

// ends tells whether two thirds of a certificate's life are over, or it has not begun.
func ends(c *x509.Certificate, life time.Duration, now time.Time) bool {
	return now.Before(c.NotBefore) || c.NotAfter.Sub(now) < life/3
}

// fits tells whether a certificate goes on being good.
func fits(leaf, ca *x509.Certificate, hosts []string, now time.Time) bool {
	unnamed := func(host string) bool { return leaf.VerifyHostname(host) != nil }
	return leaf.CheckSignatureFrom(ca) == nil && !ends(leaf, life, now) && !slices.ContainsFunc(hosts, unnamed)
}

// valid are the certificates of a PEM text that have not expired.
func valid(text []byte, now time.Time) []byte {
	var out []byte
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if c, err := x509.ParseCertificate(block.Bytes); err == nil && now.Before(c.NotAfter) && !bytes.Contains(out, c.Raw) {
			out = append(out, encode("CERTIFICATE", c.Raw)...)
		}
	}
	return out
}

func authorityTemplate(now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "spillway-webhook-ca"}, NotBefore: now.Add(-skew), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
}

func template(hosts []string, now time.Time) *x509.Certificate {
	c := &x509.Certificate{
		Subject: pkix.Name{CommonName: "spillway-webhook"}, NotBefore: now.Add(-skew), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			c.IPAddresses = append(c.IPAddresses, ip)
		} else {
			c.DNSNames = append(c.DNSNames, host)
		}
	}
	return c
}

// sign makes a key and its certificate, signed by an authority or, if there is none, by itself.
func sign(by *tls.Certificate, c *x509.Certificate) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	if c.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return tls.Certificate{}, err
	}
	parent, signer := c, any(key)
	if by != nil {
		parent, signer = by.Leaf, by.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
