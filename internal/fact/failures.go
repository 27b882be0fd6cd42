package fact

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/store"
)

// KindFailures is of facts about extensions that proxies find to fail requests.
const KindFailures = "failures"

// Failure is an extension of which all exchanges fail in one location.
type Failure struct {
	Location, Chain, Extension string
	// Cause is the word that metrics have, Text is for people.
	Cause, Text string
}

// Failures are those of one lb_route_extension or lb_traffic_extension, in order of chain, extension and location. There is no fact
// while none is known. They lag: a failure has to last before it is said, and so has that there is none any more.
type Failures []Failure

// FailuresOf names the fact of a resource, by its kind (a field of the oneof in lb.v1.Resource) and name.
func FailuresOf(kind, name string) store.Fact {
	return store.Fact{Kind: KindFailures, Key: kind + separator + name}
}

// Equal compares values.
func (f Failures) Equal(other any) bool {
	o, ok := other.(Failures)
	return ok && slices.Equal(f, o)
}
