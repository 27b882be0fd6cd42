package call

import (
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
)

// Resources finds TLS material in a root.
type Resources struct{ Root *config.Root }

// Certificate parses a certificate; nil when there is none, or none that is valid.
func (r Resources) Certificate(name string) *proxytls.Certificate {
	spec := r.Root.Certificate(name)
	if spec == nil {
		return nil
	}
	c, err := proxytls.ParseCertificate(spec)
	if err != nil {
		return nil
	}
	return c
}

// TrustConfig is Certificate for certificate authorities.
func (r Resources) TrustConfig(name string) *proxytls.TrustConfig {
	spec := r.Root.TrustConfig(name)
	if spec == nil {
		return nil
	}
	t, err := proxytls.ParseTrustConfig(spec)
	if err != nil {
		return nil
	}
	return t
}
