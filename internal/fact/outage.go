package fact

import (
	"strconv"

	"github.com/spillway-lb/spillway/internal/store"
)

// KindOutage is of facts about callouts that nobody answers for.
const KindOutage = "outage"

// Outage names the fact that a port of a Service or ServiceImport that extensions call has no healthy endpoint, for long enough
// to be told. Its value is a string that says where and why; there is none while somebody answers.
func Outage(of store.Ref, port int32) store.Fact {
	return store.Fact{Kind: KindOutage, Key: of.String() + separator + strconv.Itoa(int(port))}
}
