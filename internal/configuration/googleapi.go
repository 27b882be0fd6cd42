package configuration

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// GoogleAPI is what stands for a Google API.
type GoogleAPI struct {
	spillwayv1alpha1.GoogleAPI
	// Owner is the Configuration that says so.
	Owner store.Ref
}

// GoogleAPIOf is what stands for an API, by the first entry that names it; nil if none does.
func GoogleAPIOf(v *recompute.View, host string) *GoogleAPI {
	all := value[GoogleAPI](v, unitGoogleAPIs)
	for i := range all {
		if all[i].Host == host {
			return &all[i]
		}
	}
	return nil
}

// Endpoint is where an API is called, or why it cannot be called as the entry says. The error begins with the field.
func (a *GoogleAPI) Endpoint() (netip.AddrPort, error) { return endpointOf(&a.GoogleAPI) }

// Token is what goes along with calls, nil if nothing does. Space around it is none of it, as files end with a line break.
func (a *GoogleAPI) Token(v *recompute.View) ([]byte, error) { return tokenOf(v, &a.GoogleAPI) }

func endpointOf(a *spillwayv1alpha1.GoogleAPI) (at netip.AddrPort, err error) {
	if len(validation.IsDNS1123Subdomain(a.Host)) > 0 {
		return at, fmt.Errorf("host: %q is no host name", a.Host)
	}
	at, err = netip.ParseAddrPort(a.Address)
	switch {
	case err != nil:
		return at, fmt.Errorf("address: %q is not an IP address and a port up to 65535", a.Address)
	case at.Port() == 0 || at.Addr().IsUnspecified() || at.Addr().IsMulticast():
		return at, fmt.Errorf("address: nothing can be called at %s", a.Address)
	case a.TLS == nil && a.Token != nil:
		return at, errors.New("token: without tls everybody on the way could read it")
	case a.TLS == nil:
		return at, nil
	}
	return at, checkTLS(a.TLS)
}

func checkTLS(t *spillwayv1alpha1.GoogleAPITLS) error {
	if t.CACertificates != "" {
		if _, err := proxytls.ParseTrustConfig(&lbv1.TrustConfig{CaPem: []byte(t.CACertificates)}); err != nil {
			return fmt.Errorf("tls.caCertificates: %w", err)
		}
	}
	if t.Hostname == "" || len(validation.IsDNS1123Subdomain(t.Hostname)) == 0 {
		return nil
	}
	if _, err := netip.ParseAddr(t.Hostname); err != nil {
		return fmt.Errorf("tls.hostname: %q is neither a host name nor an IP address", t.Hostname)
	}
	return nil
}

func tokenOf(v *recompute.View, a *spillwayv1alpha1.GoogleAPI) ([]byte, error) {
	if a.Token == nil {
		return nil, nil
	}
	secret, ok := recompute.Get[*corev1.Secret](v, store.Ref{Cluster: a.Token.Cluster, Kind: kind.Secret, Namespace: a.Token.Namespace, Name: a.Token.Name})
	name := fmt.Sprintf("token: Secret %q of cluster %q", a.Token.Namespace+"/"+a.Token.Name, a.Token.Cluster)
	if !ok {
		return nil, fmt.Errorf("%s not found", name)
	}
	token := bytes.TrimSpace(secret.Data[a.Token.Key])
	if len(token) == 0 {
		return nil, fmt.Errorf("%s has no entry %q", name, a.Token.Key)
	}
	if i := bytes.IndexFunc(token, func(c rune) bool { return c <= ' ' || c >= 0x7f }); i >= 0 {
		return nil, fmt.Errorf("%s: entry %q is no token: a space, a control character or what is not ASCII in it", name, a.Token.Key)
	}
	return token, nil
}

// apiProblems are why entries for Google APIs don't work.
func apiProblems(v *recompute.View, spec *spillwayv1alpha1.ConfigurationSpec) (invalid, missing []string) {
	for i := range spec.GoogleAPIs {
		a := &spec.GoogleAPIs[i]
		at := fmt.Sprintf("spec.googleAPIs[%d].", i)
		if _, err := endpointOf(a); err != nil {
			invalid = append(invalid, at+err.Error())
		}
		if _, err := tokenOf(v, a); err != nil {
			missing = append(missing, at+err.Error())
		}
	}
	return invalid, missing
}
