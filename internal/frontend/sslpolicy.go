package frontend

import (
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Google's profiles of SSL policies.
const (
	profileCompatible = "COMPATIBLE"
	profileModern     = "MODERN"
	profileRestricted = "RESTRICTED"
)

const oldestTLS = "TLS_1_2"

// SSLPolicy finds what an owner names: by the last part of a path, in the Configuration, or one of the profiles.
func SSLPolicy(v *recompute.View, path string) (spillwayv1alpha1.SSLPolicy, bool) {
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch name {
	case profileCompatible, profileModern, profileRestricted:
		return spillwayv1alpha1.SSLPolicy{Name: name, Profile: name, MinTLSVersion: oldestTLS}, true
	}
	for _, p := range configuration.SSLPolicies(v) {
		if p.Name == name {
			return p, true
		}
	}
	return spillwayv1alpha1.SSLPolicy{}, false
}

// SetSSLPolicy applies an SSL policy to a port; nil and one that is not defined change nothing.
func SetSSLPolicy(v *recompute.View, path *string, tls *lbv1.DownstreamTls) {
	if tls == nil || path == nil {
		return
	}
	if p, ok := SSLPolicy(v, *path); ok {
		tls.MinVersion = lbv1.TlsVersion(lbv1.TlsVersion_value[p.MinTLSVersion])
		tls.CipherSuites = suitesOf(p.Profile)
	}
}

// suitesOf are the cipher suites of TLS 1.2 that Google's profile has. Each profile is a part of the one before.
func suitesOf(profile string) []string {
	suites := []string{
		"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	if profile == profileRestricted {
		return suites
	}
	suites = append(suites, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
		"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA")
	if profile == profileModern {
		return suites
	}
	return append(suites, "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384",
		"TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")
}
