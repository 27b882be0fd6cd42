package ingress

import (
	"crypto/x509"
	"fmt"
	"strconv"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// managedUser is an Ingress that names a ManagedCertificate.
type managedUser struct {
	Ref         store.Ref
	Certificate certificate
	// Leaf is the certificate's own, nil if there is none.
	Leaf *x509.Certificate

	policy   *proxytls.ServerPolicy // nil if it does not listen for TLS
	progress fact.Progress
	told     *networkingv1.ManagedCertificateStatus // what was written last, nil if nothing was
}

// readUser reads an Ingress. ours is false for one that nobody here serves; held, that nothing is known of it yet.
func readUser(v *recompute.View, in, managed store.Ref) (u *managedUser, ours, held bool) {
	p, ours, held := planOf(v, in.String())
	if !ours {
		return nil, false, held
	}
	s, ok, _ := recompute.Value[*served](v, unitFrontend, in.String())
	if !ok {
		return nil, false, true
	}
	u = &managedUser{Ref: in, Certificate: certificateOf(v, in, managed.Name)}
	u.progress, _ = recompute.Fact[fact.Progress](v, fact.ProgressOf(in))
	if w := v.Written(managed); w != nil {
		u.told, _ = w.Status.(*networkingv1.ManagedCertificateStatus)
	}
	byName := readCertificates(v, in, p.Secrets)
	if c := byName[u.Certificate.Name]; c != nil {
		u.Leaf = c.Leaf()
	}
	if s.HTTPS.ForwardingRule != "" {
		u.policy, _ = proxytls.CompileServer(tlsOf(s.Certificates), byName)
	}
	return u, true, false
}

// certificates are those of an Ingress by name.
type certificates map[string]*proxytls.Certificate

func readCertificates(v *recompute.View, in store.Ref, secrets []string) certificates {
	out := certificates{}
	for _, secret := range secrets {
		c := certificateOf(v, in, secret)
		parsed, err := proxytls.ParseCertificate(&lbv1.SslCertificate{CertificateChainPem: c.Chain, PrivateKeyPem: c.Key})
		if c.Name != "" && err == nil {
			out[c.Name] = parsed
		}
	}
	return out
}

// Certificate is one of them.
func (c certificates) Certificate(name string) *proxytls.Certificate { return c[name] }

// TrustConfig is none: Ingresses ask clients for no certificates.
func (c certificates) TrustConfig(string) *proxytls.TrustConfig { return nil }

// problem is what is wrong whatever the domain, or "".
func (u *managedUser) problem() string {
	text := u.Certificate.Problem
	switch {
	case text != "" && u.Leaf != nil:
		text += ", and the certificate that it had is served on"
	case text == "" && (len(u.progress.Refused) > 0 || len(u.progress.Unbound) > 0):
		text = u.progress.String()
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf("Ingress %s: %s", u.Ref.Name, text)
}

// domain says what clients get who ask for it once proxies have the Ingress as it is, and why that is not this certificate.
func (u *managedUser) domain(domain string) (state, why string) {
	switch {
	case u.Leaf == nil:
		return managedNotVisible, "" // its problem is told
	case u.Leaf.VerifyHostname(domain) != nil:
		return managedNotVisible, "the certificate is not for " + strconv.Quote(domain)
	case u.policy == nil:
		return managedProvisioning, "it listens nowhere for HTTPS"
	}
	if got := u.policy.Serves(domain); got == nil || !got.Equal(u.Leaf) {
		return managedNotVisible, fmt.Sprintf("for %q another of its certificates is served", domain)
	}
	return managedActive, ""
}

// up: proxies serve it. What they served before stays while the next version of the Ingress is on its way.
func (u *managedUser) up(domain string) bool {
	switch {
	case len(u.progress.Refused) > 0 || len(u.progress.Unbound) > 0:
		return false
	case u.progress.Done():
		return true
	case u.progress.Total == 0 || u.told == nil || u.told.CertificateName != u.Certificate.Name:
		return false
	}
	for _, d := range u.told.DomainStatus {
		if d.Domain == domain {
			return d.Status == managedActive
		}
	}
	return false
}
