package credentials

import (
	"crypto/x509"
	"net/url"
	"testing"
)

func certificate(t *testing.T, uris ...string) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{}
	for _, text := range uris {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		c.URIs = append(c.URIs, u)
	}
	return c
}

// TestPlacesOfACertificate: a proxy may ask for what its certificate names, and one that cannot be read names nothing.
func TestPlacesOfACertificate(t *testing.T) {
	edge := Place{Region: "us-west1", Zone: "us-west1-a", Name: "edge-1"}
	const prefix = "spiffe://example.com/spillway/"
	for _, test := range []struct {
		name  string
		uris  []string
		bound bool
		ok    bool
	}{
		{"no place", nil, false, true},
		{"no place where one is needed", nil, true, false},
		{"others' URIs", []string{"https://example.com/spillway/region/x", "spiffe://cluster.local/ns/a/sa/b"}, false, true},
		{"others' URIs where a place is needed", []string{"spiffe://cluster.local/ns/a/sa/b"}, true, false},
		{"its region", []string{prefix + "region/us-west1"}, true, true},
		{"another region", []string{prefix + "region/us-east1"}, false, false},
		{"one of two", []string{prefix + "region/us-east1", prefix + "region/us-west1"}, false, true},
		{"beside others' URIs", []string{"spiffe://cluster.local/ns/a/sa/b", prefix + "region/us-east1"}, false, false},
		{"its zone", []string{prefix + "region/us-west1/zone/us-west1-a"}, false, true},
		{"another zone", []string{prefix + "region/us-west1/zone/us-west1-b"}, false, false},
		{"its name", []string{prefix + "name/edge-1/region/us-west1"}, false, true},
		{"another name", []string{prefix + "region/us-west1/name/edge-2"}, false, false},
		{"a name alone", []string{prefix + "name/edge-1"}, false, false},
		{"a word that is not known", []string{prefix + "region/us-west1/rack/7"}, false, false},
		{"a word without a value", []string{prefix + "region/us-west1/zone"}, false, false},
		{"an empty value", []string{prefix + "region/us-west1/zone/"}, false, false},
		{"a word twice", []string{prefix + "region/us-east1/region/us-west1"}, false, false},
		{"nothing", []string{prefix}, false, false},
	} {
		if err := permit(certificate(t, test.uris...), edge, test.bound); (err == nil) != test.ok {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}
