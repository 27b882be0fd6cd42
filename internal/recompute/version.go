package recompute

import (
	"crypto/sha256"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Version is the first half of the SHA-256 of a resource's deterministic bytes: equal versions mean equal resources.
type Version [16]byte

// VersionOf computes a resource's version.
func VersionOf(r *lbv1.Resource) Version {
	_, v := Encode(r)
	return v
}

// Encode returns a resource's deterministic bytes with its version.
func Encode(r *lbv1.Resource) ([]byte, Version) {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		// Only invalid UTF-8 gets here; the version of such a resource is never equal to another's.
		panic("recompute: resource " + r.GetName() + ": " + err.Error())
	}
	sum := sha256.Sum256(b)
	return b, Version(sum[:16])
}
