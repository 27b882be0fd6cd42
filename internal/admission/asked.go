package admission

import "github.com/spillway-lb/spillway/internal/kind"

// Asked tells whether API servers ask about a kind: it is one of load balancing that users write and statuses speak of. Of Services they
// ask beside those, where an annotation says so.
func Asked(k kind.Kind) bool {
	switch k.Ref() {
	case kind.Ingress:
		return true
	case kind.ReferenceGrant, kind.ServiceImport, kind.MCSServiceImport: // nothing is said of them
		return false
	}
	return k.Custom && k.Namespaced && !k.Derived
}
