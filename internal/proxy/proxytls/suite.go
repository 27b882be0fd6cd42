package proxytls

import (
	"crypto/tls"
	"fmt"
)

// cipherSuites are the numbers of names; nil for none.
func cipherSuites(names []string) ([]uint16, error) {
	if len(names) == 0 {
		return nil, nil
	}
	known := map[string]uint16{}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[s.Name] = s.ID
	}
	var out []uint16
	for _, name := range names {
		id, ok := known[name]
		if !ok {
			return nil, fmt.Errorf("cipher suite %q is not known", name)
		}
		out = append(out, id)
	}
	return out, nil
}
