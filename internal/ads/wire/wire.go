// Package wire has the words that controllers and proxies of a fleet share: the names of types and methods, and how reports look on
// the wire.
//
// In: reports and resources' keys. Out: the same as messages, and back; what a peer sends that has no meaning is an error.
//
// It links nothing of Kubernetes.
package wire

import (
	"errors"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

const (
	// TypeURL is the one type that travels by delta ADS.
	TypeURL = "type.googleapis.com/lb.v1.Resource"
	// Wildcard subscribes to all that a region needs.
	Wildcard = "*"
	// More stands behind the system_version_info of a response that is not whole yet.
	More = "+"
	// ReportsMethod is the method of the second stream.
	ReportsMethod = "/" + reportsService + "/" + reportsStream
	// MaxMessage bounds what either end takes in one message, in bytes: a part of a response is about 1 MiB, or one resource, and a proxy
	// that comes back names all that it has, about 150 bytes each.
	MaxMessage = 64 << 20

	reportsService = "fleet.v1.Reports"
	reportsStream  = "StreamReports"

	replicasService = "fleet.v1.Replicas"
	stateStream     = "StreamState"
)

// NameOf is a resource's name on the wire: its kind and its name, as kinds may share a name.
func NameOf(k *lbv1.ResourceKey) string { return k.GetKind() + "/" + k.GetName() }

// KeyOf is the inverse of NameOf.
func KeyOf(name string) (*lbv1.ResourceKey, error) {
	kind, rest, ok := strings.Cut(name, "/")
	if !ok || kind == "" || rest == "" {
		return nil, errors.New("the name of a resource is KIND/NAME")
	}
	return &lbv1.ResourceKey{Kind: kind, Name: rest}, nil
}
