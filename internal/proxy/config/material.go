package config

import (
	"github.com/spillway-lb/spillway/internal/proxy/proxytls"
)

// Material finds parsed TLS material in a root.
type Material struct{ Root *Root }

// Certificate parses a certificate; nil when there is none, or none that is valid.
func (r Material) Certificate(name string) *proxytls.Certificate {
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
func (r Material) TrustConfig(name string) *proxytls.TrustConfig {
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
