package configuration

import (
	"strings"
	"testing"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
)

// TestWhatCannotBeCalledIsRefused with the field first; the rest has an endpoint.
func TestWhatCannotBeCalledIsRefused(t *testing.T) {
	tls, token := &spillwayv1alpha1.GoogleAPITLS{}, &spillwayv1alpha1.SecretKey{Cluster: "c", Namespace: "n", Name: "s", Key: "token"}
	const host = "dlp.googleapis.com"
	for name, c := range map[string]struct {
		api  spillwayv1alpha1.GoogleAPI
		want string // "" is fine
	}{
		"plain":           {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:9"}, ""},
		"IPv6":            {spillwayv1alpha1.GoogleAPI{Host: host, Address: "[::1]:9"}, ""},
		"TLS":             {spillwayv1alpha1.GoogleAPI{Host: host, Address: "10.0.0.1:443", TLS: tls, Token: token}, ""},
		"TLS by address":  {spillwayv1alpha1.GoogleAPI{Host: host, Address: "10.0.0.1:443", TLS: &spillwayv1alpha1.GoogleAPITLS{Hostname: "10.0.0.1"}}, ""},
		"no port":         {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:0"}, "address: "},
		"a large port":    {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:65536"}, "address: "},
		"no address":      {spillwayv1alpha1.GoogleAPI{Host: host, Address: "300.0.0.1:9"}, "address: "},
		"any address":     {spillwayv1alpha1.GoogleAPI{Host: host, Address: "0.0.0.0:9"}, "address: "},
		"many addresses":  {spillwayv1alpha1.GoogleAPI{Host: host, Address: "[ff02::1]:9"}, "address: "},
		"a token, no TLS": {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:9", Token: token}, "token: "},
		"no host":         {spillwayv1alpha1.GoogleAPI{Host: "..googleapis.com", Address: "127.0.0.1:9"}, "host: "},
		"no PEM":          {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:9", TLS: &spillwayv1alpha1.GoogleAPITLS{CACertificates: "x"}}, "tls.caCertificates: "},
		"no name":         {spillwayv1alpha1.GoogleAPI{Host: host, Address: "127.0.0.1:9", TLS: &spillwayv1alpha1.GoogleAPITLS{Hostname: "a b"}}, "tls.hostname: "},
	} {
		at, err := endpointOf(&c.api)
		switch {
		case c.want == "" && (err != nil || !at.IsValid()):
			t.Errorf("%s: %v, %v", name, at, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
