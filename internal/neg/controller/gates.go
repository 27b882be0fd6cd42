package controller

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// reflector is what events about readiness gates are from.
const reflector = "neg-readiness-reflector"

// gates knows the Pods with a gate, and what was said of each.
type gates struct {
	model   Model
	pods    map[store.Ref]*gate
	byPod   map[store.Ref][]readiness.Endpoint
	all     map[string]*neg.Report
	healthy map[checked]map[string]bool // by location
	reach   *reach
	now     time.Time // of the last look
}

// gate is one Pod's.
type gate struct {
	first time.Time // when it was seen
	said  readiness.Verdict
	// before: an earlier process opened it, and the writer of this one has not been told.
	before bool
}

// checked is an endpoint as a health check sees it.
type checked struct {
	check    string
	endpoint netip.AddrPort
}

func newGates(m Model) *gates {
	return &gates{model: m, pods: map[store.Ref]*gate{}, healthy: map[checked]map[string]bool{}}
}

// reports takes the groups as they are now.
func (g *gates) reports(all map[string]*neg.Report) {
	g.all, g.byPod = all, nil
}

// members are the groups of each Pod.
func (g *gates) members() map[store.Ref][]readiness.Endpoint {
	if g.byPod != nil {
		return g.byPod
	}
	g.byPod = map[store.Ref][]readiness.Endpoint{}
	for _, unit := range slices.Sorted(maps.Keys(g.all)) {
		r := g.all[unit]
		for _, z := range r.Zones {
			for _, e := range z.Endpoints {
				namespace, name, ok := strings.Cut(e.Pod, "/")
				at, err := netip.ParseAddrPort(e.Address)
				if !ok || err != nil {
					continue
				}
				ref := store.Ref{Cluster: r.Service.Cluster, Kind: kind.Pod, Namespace: namespace, Name: name}
				g.byPod[ref] = append(g.byPod[ref], readiness.Endpoint{Group: r.Name, Zone: z.Zone, Address: at})
			}
		}
	}
	return g.byPod
}

// next is when a Pod's time is over; false if none waits.
func (g *gates) next() (at time.Time, ok bool) {
	for _, p := range g.pods {
		if due := p.due(g.now); !p.said.Ready && (!ok || due.Before(at)) {
			at, ok = due, true
		}
	}
	return at, ok
}

// due is when time alone may open the gate.
func (p *gate) due(now time.Time) time.Time {
	if settled := p.first.Add(readiness.Settle); now.Before(settled) {
		return settled
	}
	return p.first.Add(readiness.Timeout + time.Second)
}

// hear takes what has been touched: Pods that come and go, and verdicts.
func (g *gates) hear(snapshot *store.Snapshot, touched []string, now time.Time) (gone []store.Ref) {
	for _, read := range touched {
		if f, ok := store.FactOf(read); ok && f.Kind == fact.KindHealth {
			g.judge(snapshot, f)
			continue
		}
		ref, ok := store.ObjectOf(read)
		if !ok || ref.Kind != kind.Pod {
			continue
		}
		pod := podOf(snapshot, ref)
		switch {
		case pod == nil && g.pods[ref] != nil:
			delete(g.pods, ref)
			gone = append(gone, ref)
		case pod != nil && g.pods[ref] == nil && readiness.Gated(pod):
			said := saidBefore(snapshot.Get(ref), pod)
			g.pods[ref] = &gate{first: now, said: said, before: said.Ready}
		}
	}
	return gone
}

// saidBefore is what an earlier process said of a Pod's gate if it had opened it: it is not closed again.
func saidBefore(e *store.Entry, pod *corev1.Pod) readiness.Verdict {
	for _, c := range store.LatestStatus(e.Written, &pod.Status).Conditions {
		if c.Type == readiness.Gate && c.Status == corev1.ConditionTrue {
			return readiness.Verdict{Ready: true, Reason: c.Reason, Message: c.Message}
		}
	}
	return readiness.Verdict{}
}

func podOf(snapshot *store.Snapshot, ref store.Ref) *corev1.Pod {
	e := snapshot.Get(ref)
	if e == nil {
		return nil
	}
	pod, _ := e.Object.(*corev1.Pod)
	return pod
}

func (g *gates) judge(snapshot *store.Snapshot, f store.Fact) {
	p, ok := fact.ProbeOf(f.Key)
	if !ok {
		return
	}
	at := checked{p.Check, p.Endpoint}
	v, _ := snapshot.Fact(f).(fact.Verdict)
	switch {
	case v.State == lbv1.HealthState_HEALTHY && g.healthy[at] == nil:
		g.healthy[at] = map[string]bool{p.Location: true}
	case v.State == lbv1.HealthState_HEALTHY:
		g.healthy[at][p.Location] = true
	default:
		delete(g.healthy[at], p.Location)
		if len(g.healthy[at]) == 0 {
			delete(g.healthy, at)
		}
	}
}

// Healthy implements readiness.World.
func (g *gates) Healthy(check string, endpoint netip.AddrPort) bool {
	return len(g.healthy[checked{check, endpoint}]) > 0
}

// Backends implements readiness.World.
func (g *gates) Backends(zone, group string) []readiness.Backend {
	if seq := g.model.Seq(); g.reach == nil || g.reach.seq != seq {
		g.reach = reachOf(g.model, seq)
	}
	return g.reach.of(zone, group)
}

// view is a waiting Pod as package readiness sees it.
func (g *gates) view(snapshot *store.Snapshot, ref store.Ref, pod *corev1.Pod) *readiness.Pod {
	out := &readiness.Pod{Created: pod.CreationTimestamp.Time, Seen: g.pods[ref].first, Endpoints: g.members()[ref]}
	if out.Created.IsZero() {
		out.Created = g.pods[ref].first
	}
	snapshot.Walk(kind.Service, ref.Cluster, ref.Namespace, func(e *store.Entry) bool {
		s, ok := e.Object.(*corev1.Service)
		if !ok || !readiness.Selects(s, pod) {
			return true
		}
		groups := g.groups(e.Ref)
		out.Awaited = out.Awaited || len(groups) == 0 && asks(snapshot, ref.Cluster, s)
		out.Groups = append(out.Groups, groups...)
		return true
	})
	return out
}

// groups are the names of a Service's groups, as far as they have been reported.
func (g *gates) groups(service store.Ref) (names []string) {
	for _, r := range g.all {
		if r.Service == service && !slices.Contains(names, r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// asks tells whether a Service will have groups. Reports of them come when proxies have taken them.
func asks(snapshot *store.Snapshot, cluster string, service *corev1.Service) bool {
	asked, _, err := annotation.Ask(service)
	switch {
	case err != nil, service.Spec.Type == corev1.ServiceTypeExternalName:
		return false
	case len(asked.Exposed) > 0:
		return true
	}
	return asked.Ingress && slices.ContainsFunc(ingress.PortsOf(snapshot, cluster, service), func(port int32) bool {
		_, ok := annotation.Port(service, port)
		return ok
	})
}

// turnGates decides on the Pods that wait. A gate that is open stays so.
func (c *Controller) turnGates(snapshot *store.Snapshot, touched []string, now time.Time) {
	g := c.gates
	g.now = now
	for _, ref := range g.hear(snapshot, touched, now) {
		c.condition(ref, readiness.Verdict{}, true, now)
		c.hush(ref, now)
	}
	waiting := slices.Collect(maps.Keys(g.pods))
	slices.SortFunc(waiting, func(a, b store.Ref) int { return strings.Compare(a.String(), b.String()) })
	for _, ref := range waiting {
		pod, p := podOf(snapshot, ref), g.pods[ref]
		if p.before {
			p.before = false
			c.condition(ref, p.said, false, now)
		}
		if pod == nil || p.said.Ready {
			continue
		}
		verdict := readiness.Decide(now, g.view(snapshot, ref, pod), g)
		if verdict == p.said {
			continue
		}
		p.said = verdict
		c.condition(ref, verdict, false, now)
		c.tell(ref, recompute.Event{Type: corev1.EventTypeNormal, Reason: verdict.Reason, Message: verdict.Message, Source: reflector}, now)
	}
}

// condition writes a gate's. Its status is left empty while it waits, as GKE's is.
func (c *Controller) condition(pod store.Ref, v readiness.Verdict, gone bool, now time.Time) {
	condition := corev1.PodCondition{Type: readiness.Gate, Reason: v.Reason, Message: v.Message}
	if v.Ready {
		condition.Status = corev1.ConditionTrue
	}
	write := recompute.Write{Ref: pod, Part: recompute.PartCondition, Key: string(readiness.Gate), Value: condition}
	c.options.Writer.Apply([]recompute.WriteChange{{Write: write, Removed: gone}}, nil, now)
}
