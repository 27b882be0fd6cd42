package proxytls

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// ServerPolicy is a compiled DownstreamTls. It is immutable.
type ServerPolicy struct {
	exact map[string]*serverName
	// wildcard is keyed by the part after "*", such as ".example.com".
	wildcard map[string]*serverName
	any      *serverName
	names    []*serverName

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
		exact:      make(map[string]*serverName),
		wildcard:   make(map[string]*serverName),
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
		if !p.add(compiled) {
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

func (p *ServerPolicy) add(n *serverName) bool {
	p.names = append(p.names, n)
	switch {
	case n.host == "" || n.host == "*":
		taken := p.any != nil
		p.any = n
		return !taken
	case strings.HasPrefix(n.host, "*."):
		_, taken := p.wildcard[n.host[1:]]
		p.wildcard[n.host[1:]] = n
		return !taken
	}
	_, taken := p.exact[n.host]
	p.exact[n.host] = n
	return !taken
}

// HostFor tells which host (as the policy writes it, "" for any) a connection with this SNI belongs to. A connection
// without SNI has serverName "". False: the handshake is refused.
func (p *ServerPolicy) HostFor(serverName string) (host string, ok bool) {
	if n := p.find(serverName); n != nil {
		return n.host, true
	}
	return "", false
}

func (p *ServerPolicy) find(sni string) *serverName {
	sni = strings.TrimSuffix(sni, ".")
	if hasUpper(sni) {
		sni = strings.ToLower(sni)
	}
	if n, ok := p.exact[sni]; ok {
		return n
	}
	// The longest suffix first. A wildcard stands for at least one label, so a leading dot matches nothing.
	for i := 1; i < len(sni); i++ {
		if sni[i] != '.' {
			continue
		}
		if n, ok := p.wildcard[sni[i:]]; ok {
			return n
		}
	}
	return p.any
}

func hasUpper(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' })
}

// Warnings says what clients will hold against the policy's certificates at that time.
func (p *ServerPolicy) Warnings(now time.Time) []string {
	var out []string
	for _, n := range p.names {
		for _, c := range n.certificates {
			if w := c.Warning(now); w != "" {
				out = append(out, w)
			}
		}
	}
	return out
}
