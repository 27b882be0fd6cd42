package fact

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/store"
)

// KindOutage is of facts about callouts that nobody answers for, and about those who send requests where nobody does.
const KindOutage = "outage"

// Outage names the fact that a port of a Service or ServiceImport that extensions call has no healthy endpoint, for long enough
// to be told. Its value is a string that says where and why; there is none while somebody answers.
func Outage(of store.Ref, port int32) store.Fact {
	return store.Fact{Kind: KindOutage, Key: of.String() + separator + strconv.Itoa(int(port))}
}

// OutageOf names the fact that requests by an object's rules (a route's, an Ingress's) find nobody who answers. Its value is a
// string, which says for which Services and why; there is none while all is well, and for as long as trouble may pass.
func OutageOf(user store.Ref) store.Fact { return store.Fact{Kind: KindOutage, Key: user.String()} }
