package proxytls

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// ServerPolicy is a compiled DownstreamTls. It is immutable.
type ServerPolicy struct {
	hosts Hosts[*serverName]
	names []*serverName

	minVersion uint16
	alpn       []string
	suites     []uint16 // nil is crypto/tls's choice
}

// serverName is what connections that ask for one host get.
type serverName struct {
	host         string
	certificates []*Certificate
	clientAuth   tls.ClientAuthType
	clientCAs    *x509.CertPool
	// validation identifies the demands on client certificates. A session resumes only under the ones it began with.
	validation [sha256.Size]byte
}

// CompileServer resolves every certificate and trust config. All names that do not resolve are an error: a listener
// with half of its certificates would refuse clients that it used to serve.
func CompileServer(d *lbv1.DownstreamTls, r Resources) (*ServerPolicy, error) {
	p := &ServerPolicy{
		minVersion: tls.VersionTLS12,
		alpn:       d.GetAlpn(),
	}
	if d.GetMinVersion() == lbv1.TlsVersion_TLS_1_3 {
		p.minVersion = tls.VersionTLS13
	}
	var err error
	if p.suites, err = cipherSuites(d.GetCipherSuites()); err != nil {
		return nil, err
	}
	if len(p.alpn) == 0 {
		// http/1.0 is what curl --http1.0 offers, alone.
		p.alpn = []string{"h2", "http/1.1", "http/1.0"}
	}
	for _, n := range d.GetServerNames() {
		compiled, err := compileServerName(n, r)
		if err != nil {
			return nil, fmt.Errorf("server name %q: %w", n.GetHost(), err)
		}
		p.names = append(p.names, compiled)
		if !p.hosts.Add(compiled.host, compiled) {
			return nil, fmt.Errorf("server name %q: given twice", n.GetHost())
		}
	}
	return p, nil
}

func compileServerName(n *lbv1.ServerName, r Resources) (*serverName, error) {
	out := &serverName{host: strings.ToLower(n.GetHost())}
	if len(n.GetCertificates()) == 0 {
		return nil, fmt.Errorf("no certificate")
	}
	for _, name := range n.GetCertificates() {
		c := r.Certificate(name)
		if c == nil {
			return nil, fmt.Errorf("certificate %q does not exist", name)
		}
		out.certificates = append(out.certificates, c)
	}
	slices.SortStableFunc(out.certificates, func(a, b *Certificate) int { return cmp.Compare(a.cost, b.cost) })
	if v := n.GetClientValidation(); v != nil {
		return out, out.validate(v, r)
	}
	return out, nil
}

func (n *serverName) validate(v *lbv1.ClientValidation, r Resources) error {
	roots, digest, err := pool(v.GetTrustConfigs(), r)
	if err != nil {
		return err
	}
	n.clientCAs = roots
	n.clientAuth = tls.RequireAndVerifyClientCert
	if v.GetMode() == lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK {
		n.clientAuth = tls.RequestClientCert
	}
	n.validation = sha256.Sum256(fmt.Appendf(nil, "%s %d %x", n.host, n.clientAuth, digest))
	return nil
}
