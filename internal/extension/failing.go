package extension

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// maxPlaces is how many locations a text names.
const maxPlaces = 3

// failing says which extensions of chains fail the requests that proxies give them, in one text each, and which of them counts. It is
// for statuses alone.
func failing(v *recompute.View, of string, at *attachment, chains []*lbv1.ExtensionChain, counts func(*lbv1.Extension) bool) []problem {
	resource := "lb_traffic_extension"
	if of == kind.GCPRoutingExtension {
		resource = "lb_route_extension"
	}
	var all fact.Failures
	for _, name := range slices.Compact(slices.Sorted(maps.Values(at.Names))) {
		failures, _ := recompute.Fact[fact.Failures](v, fact.FailuresOf(resource, name))
		all = append(all, failures...)
	}
	var out []problem
	for _, chain := range chains {
		for _, e := range chain.GetExtensions() {
			mine := slices.DeleteFunc(slices.Clone(all), func(f fact.Failure) bool { return f.Chain != chain.GetName() || f.Extension != e.GetName() })
			if len(mine) > 0 && counts(e) {
				out = append(out, problem{Reason: reasonWaiting, Harmless: true, Message: failureText(mine)})
			}
		}
	}
	return out
}

// failureText says it with the first location's cause: mostly all have the same.
func failureText(list fact.Failures) string {
	first := list[0]
	var places []string
	for _, f := range list {
		if !slices.Contains(places, f.Location) {
			places = append(places, f.Location)
		}
	}
	where := strings.Join(places[:min(len(places), maxPlaces)], ", ")
	if more := len(places) - maxPlaces; more > 0 {
		where += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("extension %q of chain %q fails its requests in %s: %s: %s", first.Extension, first.Chain, where, first.Cause, first.Text)
}
