package ingress

import (
	"slices"

	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Finalizer is the one that Ingresses have while anything is left of them at a proxy.
const Finalizer = "networking.gke.io/ingress-finalizer-V2"

// translateIngress writes what users see of an Ingress. It is the root that makes its load balancer exist.
func translateIngress(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	in, ok := recompute.Get[*ingressv1.Ingress](v, ref)
	if !ok {
		return heldOrAbsent(fact.Pending(v, ref.Cluster, kind.Ingress))
	}
	if finalizer.Deleted(in) {
		if !handled(v, ref, in) {
			return heldOrAbsent(fact.Pending(v, ref.Cluster, kind.IngressClass))
		}
		return recompute.Result{State: recompute.Present, Writes: []recompute.Write{
			{Ref: ref, Part: recompute.PartStatus, Value: &ingressv1.IngressStatus{}}, finalizer.Of(v, ref, in, Finalizer),
		}}
	}
	p, ok, held := planOf(v, key)
	if !ok {
		return heldOrAbsent(held)
	}
	if p.Waits {
		v.Hold() // what is not listed yet is neither there nor gone; what can be served is, meanwhile
	}
	s := summary{view: v, ref: ref, object: in, plan: p}
	if !s.read() {
		return recompute.Result{State: recompute.Held}
	}
	return recompute.Result{State: recompute.Present, Writes: s.writes()}
}

// handled tells an Ingress that is ours, or was: what becomes of another controller's is not for us to say.
func handled(v *recompute.View, ref store.Ref, in *ingressv1.Ingress) bool {
	if _, ours := object.ClassOf(v.Get, ref.Cluster, in); ours || slices.Contains(in.Finalizers, Finalizer) {
		return true
	}
	w := v.Written(ref)
	return w != nil && slices.Contains(w.Finalizers, Finalizer)
}

// summary gathers what is said of one Ingress.
type summary struct {
	view   *recompute.View
	ref    store.Ref
	object *ingressv1.Ingress
	plan   *plan

	routing   *routing
	addresses frontend.Addresses
	served    *served
	progress  fact.Progress
	// up: proxies serve it at its addresses.
	up       bool
	problems []problem
}

// read collects it, and makes the frontend exist; it is false if the unit has to hold.
func (s *summary) read() bool {
	key := s.ref.String()
	var ok, held bool
	if s.routing, ok, held = recompute.Value[*routing](s.view, unitURLMap, key); !ok || held {
		return false
	}
	if s.addresses, ok, held = recompute.Value[frontend.Addresses](s.view, unitAddresses, key); !ok || held {
		return false
	}
	if s.served, ok, held = recompute.Value[*served](s.view, unitFrontend, key); !ok || held {
		return false
	}
	s.progress = s.readProgress()
	s.up = s.isUp()
	s.judge()
	return true
}

// readProgress is how far the proxies are with the frontends and with the rules, of which there may be none.
func (s *summary) readProgress() fact.Progress {
	all, _ := recompute.Fact[fact.Progress](s.view, fact.ProgressOf(s.ref))
	rules, ok := recompute.Fact[fact.Progress](s.view, fact.RouteProgressOf(s.ref, s.ref))
	if !ok {
		return all
	}
	all.Ready = min(all.Ready, rules.Ready)
	all.Refused = slices.Concat(all.Refused, rules.Refused)
	return all
}

// isUp says whether clients are told of the addresses: when all proxies have the Ingress as it is and listen for it. One
// that was told of stays while the next version is on its way.
func (s *summary) isUp() bool {
	listens := s.served.HTTP.ForwardingRule != "" || s.served.HTTPS.ForwardingRule != ""
	if !listens || len(s.progress.Refused) > 0 || len(s.progress.Unbound) > 0 {
		return false
	}
	if s.progress.Done() {
		return true
	}
	written := s.view.Written(s.ref)
	if written == nil || s.progress.Total == 0 {
		return false
	}
	status, _ := written.Status.(*ingressv1.IngressStatus)
	return status != nil && slices.Equal(addressesOf(status), s.vips())
}

func addressesOf(status *ingressv1.IngressStatus) []string {
	var out []string
	for _, i := range status.LoadBalancer.Ingress {
		out = append(out, i.IP)
	}
	return out
}

func (s *summary) vips() []string {
	var out []string
	for _, vip := range s.addresses.VIPs {
		out = append(out, vip.Address)
	}
	return out
}

// judge puts together what is not as it is written.
func (s *summary) judge() {
	s.problems = slices.Concat(s.plan.Problems, s.routing.Problems, s.served.Problems)
	if s.addresses.Unusable != "" {
		s.problems = append(s.problems, problem{Reason: object.ReasonSync, Message: syncFailed + s.addresses.Unusable})
	}
	if len(s.progress.Refused) > 0 || len(s.progress.Unbound) > 0 {
		s.problems = append(s.problems, problem{Reason: object.ReasonSync, Message: syncFailed + s.progress.String()})
	}
}

func (s *summary) writes() []recompute.Write {
	status := &ingressv1.IngressStatus{}
	if s.up {
		for _, address := range s.vips() {
			status.LoadBalancer.Ingress = append(status.LoadBalancer.Ingress, ingressv1.IngressLoadBalancerIngress{IP: address})
		}
	}
	out := []recompute.Write{
		{Ref: s.ref, Part: recompute.PartStatus, Value: status},
		finalizer.Of(s.view, s.ref, s.object, Finalizer),
		{Ref: s.ref, Part: recompute.PartAnnotations, Value: s.annotations()},
	}
	return append(out, s.events()...)
}
