package neg

import "github.com/spillway-lb/spillway/internal/recompute"

// unitMembers is the unit kind that reads a Service port's endpoints and publishes its groups; its value is a *members.
// Others read it through UnitGroups and UnitSizes, which change less often.
const unitMembers = "neg.members"

type members struct {
	groups *Groups
	sizes  Sizes
}

func translateGroups(v *recompute.View, key string) recompute.Result {
	return part(v, key, func(m *members) any { return m.groups })
}

func translateSizes(v *recompute.View, key string) recompute.Result {
	return part(v, key, func(m *members) any { return m.sizes })
}

// part is one half of a *members as a value of its own.
func part(v *recompute.View, key string, of func(*members) any) recompute.Result {
	m, ok, held := recompute.Value[*members](v, unitMembers, key)
	switch {
	case held:
		return recompute.Result{State: recompute.Held}
	case !ok:
		return recompute.Result{State: recompute.Absent}
	}
	return recompute.Result{State: recompute.Present, Value: of(m)}
}
