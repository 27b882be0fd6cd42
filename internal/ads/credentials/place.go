package credentials

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Place is who and where a proxy is. In a certificate, what is "" may be anything.
type Place struct {
	Region, Zone, Name string
}

// placePrefix begins the path of a URI that says where a certificate's owner may be.
const placePrefix = "/spillway/"

// Permit refuses a peer whose certificate is for other places than the one that it asks for. Certificates that name none are for all, unless
// bound; a peer that shows none was let in without TLS.
//
// A certificate names places by URIs among its subject's alternative names, which end in region, zone and name, of which the region is
// needed: spiffe://example.com/spillway/region/us-west1/zone/us-west1-a/name/edge-1. Each is one that its owner may ask for.
func Permit(ctx context.Context, asked Place, bound bool) error {
	if c := caller(ctx); c != nil {
		return permit(c, asked, bound)
	}
	return nil
}

func permit(c *x509.Certificate, asked Place, bound bool) error {
	var texts []string
	for _, u := range c.URIs {
		place, names, err := placeOf(u)
		if !names {
			continue
		}
		if err == nil && place.covers(asked) {
			return nil
		}
		texts = append(texts, u.String())
		if err != nil {
			texts[len(texts)-1] += " (" + err.Error() + ")"
		}
	}
	switch {
	case len(texts) > 0:
		return fmt.Errorf("region %q, zone %q, name %q is none of the certificate's places: %s", asked.Region, asked.Zone, asked.Name, strings.Join(texts, ", "))
	case bound:
		return fmt.Errorf("the certificate names no place: a URI such as spiffe://example.com%sregion/%s is needed", placePrefix, asked.Region)
	}
	return nil
}

func (p Place) covers(asked Place) bool {
	return p.Region == asked.Region && (p.Zone == "" || p.Zone == asked.Zone) && (p.Name == "" || p.Name == asked.Name)
}

// placeOf reads a URI; names: it is one that names a place.
func placeOf(u *url.URL) (p Place, names bool, err error) {
	path, ok := strings.CutPrefix(u.Path, placePrefix)
	if u.Scheme != "spiffe" || !ok {
		return p, false, nil
	}
	for words := range slices.Chunk(strings.Split(path, "/"), 2) {
		if len(words) != 2 || words[1] == "" {
			return p, true, fmt.Errorf("%q has no value", words[0])
		}
		field := map[string]*string{"region": &p.Region, "zone": &p.Zone, "name": &p.Name}[words[0]]
		if field == nil || *field != "" {
			return p, true, fmt.Errorf("%q is none of region, zone and name, once each", words[0])
		}
		*field = words[1]
	}
	if p.Region == "" {
		return p, true, fmt.Errorf("region is missing")
	}
	return p, true, nil
}
