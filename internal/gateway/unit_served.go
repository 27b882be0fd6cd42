package gateway

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitServed is the unit kind of a Gateway as it is served: its spec as it is today, with what its last good version had
// in the place of what is broken. Its key is the Gateway's Ref, its value a *served.
const unitServed = "gateway.served"

// served is a Gateway as it is served. What today's version permits always counts: whom a listener takes is never held.
type served struct {
	Spec gatewayv1.GatewaySpec
	// Certmap is the certificate map that an annotation names.
	Certmap string
	// Problems are why listeners are not accepted, by index in Spec.
	Problems []*ListenerProblem
	// Broken: nothing can be served of it, neither now nor of an earlier version.
	Broken bool
	// Held: today's version is not accepted, all of it is of an earlier one.
	Held bool
	// Kept: the listeners of a port are of an earlier version.
	Kept bool
}

// servedOf reads a Gateway as it is served.
func servedOf(v *recompute.View, gateway store.Ref) (*served, bool) {
	s, ok := recompute.Known[*served](v, unitServed, gateway.String())
	return s, ok
}

func translateServed(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	today, ok := wantedGateway(v, ref)
	if !ok {
		return recompute.Result{}
	}
	good, _ := v.Good().(*gatewayv1.Gateway)
	class, _ := classOf(v, today, ref)
	value, good := serve(today, good, class.Strict)
	result := recompute.Result{State: recompute.Present, Value: value}
	if good != nil {
		result.Good = good
	}
	return result
}

// serve decides what is served of a Gateway, given the version that was served last, if any. It returns the version to
// remember, too.
func serve(today, good *gatewayv1.Gateway, strict strictness) (*served, *gatewayv1.Gateway) {
	problems := judgeListeners(today.Spec.Listeners)
	if good != nil && (good.UID != today.UID || good.Spec.GatewayClassName != today.Spec.GatewayClassName) {
		good = nil // another object of the name, or another kind of load balancer
	}
	if good != nil && refusedGateway(good, strict) != nil {
		good = nil // it was served when its class was not strict
	}
	out := &served{Spec: today.Spec, Certmap: today.Annotations[certmap], Problems: problems}
	whole := refusedGateway(today, strict) != nil || hasParameters(today) || !slices.Contains(problems, nil)
	switch {
	case whole && good == nil:
		out.Broken = true
		return out, nil
	case whole:
		out.Held = true
		out.Spec, out.Certmap = good.Spec, good.Annotations[certmap]
		out.Spec.Listeners = permitted(good.Spec.Listeners, today.Spec.Listeners)
		out.Problems = judgeListeners(out.Spec.Listeners)
		return out, good
	case good != nil && out.keepPorts(good):
		out.Kept = true
		return out, out.remember(today)
	}
	if slices.ContainsFunc(problems, func(p *ListenerProblem) bool { return p != nil }) {
		return out, out.remember(today)
	}
	return out, today
}

// permitted are the listeners of an earlier version that take the routes that today's of their names do.
func permitted(earlier, today []gatewayv1.Listener) []gatewayv1.Listener {
	out := slices.Clone(earlier)
	for i := range out {
		if at := indexOf(today, out[i].Name); at >= 0 {
			out[i].AllowedRoutes = today[at].AllowedRoutes
		}
	}
	return out
}

func indexOf(listeners []gatewayv1.Listener, name gatewayv1.SectionName) int {
	return slices.IndexFunc(listeners, func(l gatewayv1.Listener) bool { return l.Name == name })
}

// keepPorts puts the listeners of the last good version into the place of those of a port that has no good one any more.
func (s *served) keepPorts(good *gatewayv1.Gateway) (kept bool) {
	today, goodProblems := s.Spec.Listeners, judgeListeners(good.Spec.Listeners)
	for i, l := range permitted(good.Spec.Listeners, today) {
		if goodProblems[i] != nil || !s.onlyProblems(today, l.Port) {
			continue
		}
		at := indexOf(today, l.Name)
		if at >= 0 && today[at].Port != l.Port {
			continue
		}
		if !kept {
			s.Spec.Listeners, s.Problems = slices.Clone(s.Spec.Listeners), slices.Clone(s.Problems)
			kept = true
		}
		if at >= 0 {
			s.Spec.Listeners[at], s.Problems[at] = l, nil
			continue
		}
		s.Spec.Listeners, s.Problems = append(s.Spec.Listeners, l), append(s.Problems, nil)
	}
	return kept
}

// onlyProblems tells whether a port has listeners today, and none of them is good.
func (s *served) onlyProblems(today []gatewayv1.Listener, port gatewayv1.PortNumber) bool {
	problems, found := judgeListeners(today), false
	for i := range today {
		if today[i].Port == port {
			if problems[i] == nil {
				return false
			}
			found = true
		}
	}
	return found
}

// remember is today's version with nothing but what is served of it.
func (s *served) remember(today *gatewayv1.Gateway) *gatewayv1.Gateway {
	out := *today
	out.Status = gatewayv1.GatewayStatus{}
	out.Spec = s.Spec
	out.Spec.Listeners = nil
	for i, l := range s.Spec.Listeners {
		if s.Problems[i] == nil {
			out.Spec.Listeners = append(out.Spec.Listeners, l)
		}
	}
	return &out
}
