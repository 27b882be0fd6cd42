package controller

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// reflector is what events about readiness gates are from.
const reflector = "neg-readiness-reflector"

// gates knows the Pods with a gate, and what was said of each. A Pod is decided on when something happens that concerns it.
type gates struct {
	roster    *roster
	selectors *selectors
	reach     *reach
	pods      map[store.Ref]*gate
	// byPair and byNamespace are the Pods that wait, by each of their labels and by where they are.
	byPair      map[pair]map[store.Ref]struct{}
	byNamespace map[place]map[store.Ref]struct{}
	alarms      alarms
	dirty       map[store.Ref]struct{}
	healthy     map[checked]map[string]bool // by location
	// failClosed: no gate opens because its time is over.
	failClosed bool
	// unsettled: the Configurations are on their way.
	unsettled bool
	// looks counts the Pods, Services and groups that were looked at.
	looks int
}

// place is a namespace of a cluster; of all of its namespaces if that is "".
type place struct{ cluster, namespace string }

// gate is one Pod's.
type gate struct {
	uid    types.UID // a name may be another Pod's the next time
	first  time.Time // when it was seen
	labels map[string]string
	said   readiness.Verdict
	// before: an earlier process opened it, and the writer of this one has not been told.
	before bool
}

// checked is an endpoint as a health check sees it.
type checked struct {
	check    string
	endpoint netip.AddrPort
}

func newGates(m Model) *gates {
	return &gates{
		roster: newRoster(), selectors: newSelectors(), reach: newReach(m), pods: map[store.Ref]*gate{},
		byPair: map[pair]map[store.Ref]struct{}{}, byNamespace: map[place]map[store.Ref]struct{}{},
		dirty: map[store.Ref]struct{}{}, healthy: map[checked]map[string]bool{},
	}
}

// report takes a unit's groups as they are now; nil are none.
func (g *gates) report(unit string, service store.Ref, r *neg.Report) {
	var touched []store.Ref
	if r == nil {
		touched = g.roster.remove(unit)
	} else {
		touched = g.roster.put(r)
	}
	for _, pod := range touched {
		g.dirty[pod] = struct{}{}
	}
	if s := g.selectors.services[service]; s != nil {
		g.mark(g.byPair[firstPair(service, s)])
	}
}

func (g *gates) mark(pods map[store.Ref]struct{}) { maps.Copy(g.dirty, pods) }

// markAll has all Pods looked at that wait.
func (g *gates) markAll() {
	for _, waiting := range g.byNamespace {
		g.mark(waiting)
	}
}

// next is when a Pod's time is over; false if none waits.
func (g *gates) next() (at time.Time, ok bool) { return g.alarms.next(g.waits) }

func (g *gates) waits(pod store.Ref) bool { return g.pods[pod] != nil && !g.pods[pod].said.Ready }

// hear takes what has been touched: Services first, because the Pods of the same commit ask for them.
func (g *gates) hear(snapshot *store.Snapshot, touched []string, now time.Time) (gone []store.Ref) {
	var pods []store.Ref
	for _, read := range touched {
		if f, ok := store.FactOf(read); ok {
			g.hearFact(snapshot, f)
			continue
		}
		ref, ok := store.ObjectOf(read)
		if !ok {
			continue
		}
		switch ref.Kind {
		case kind.Service:
			g.hearService(snapshot, ref)
		case kind.Ingress:
			g.mark(g.byNamespace[place{ref.Cluster, ref.Namespace}])
		case kind.Configuration:
			g.hearConfiguration(snapshot)
		case kind.IngressClass:
			g.mark(g.byNamespace[place{ref.Cluster, ""}])
		case kind.Pod:
			pods = append(pods, ref)
		}
	}
	for _, ref := range pods {
		if g.hearPod(snapshot, ref, now) {
			gone = append(gone, ref)
		}
	}
	return gone
}

func (g *gates) hearFact(snapshot *store.Snapshot, f store.Fact) {
	switch {
	case f == fact.Listed("", kind.Configuration):
		g.hearConfiguration(snapshot)
	case f.Kind == fact.KindListed:
		g.hearListed(f)
	case f.Kind == fact.KindHealth:
		g.judge(snapshot, f)
	}
}

// wanting are the kinds by which a Pod comes to belong to a group.
func wanting() []string { return []string{kind.Service, kind.Ingress, kind.IngressClass} }

// hearListed has the Pods of a cluster looked at again that may belong to a group for all that was known.
func (g *gates) hearListed(f store.Fact) {
	for place, pods := range g.byNamespace {
		if place.namespace == "" && slices.ContainsFunc(wanting(), func(of string) bool { return f == fact.Listed(place.cluster, of) }) {
			g.mark(pods)
		}
	}
}

// hearConfiguration takes the settings of gates; all Pods that wait are looked at again if they are others.
func (g *gates) hearConfiguration(snapshot *store.Snapshot) {
	closed := false
	snapshot.Walk(kind.Configuration, "", "", func(e *store.Entry) bool {
		c, ok := e.Object.(*spillwayv1alpha1.Configuration)
		closed = ok && c.Spec.ReadinessGates != nil && c.Spec.ReadinessGates.FailClosed
		return !closed
	})
	unsettled := fact.Pending(snapshot, "", kind.Configuration)
	if closed == g.failClosed && unsettled == g.unsettled {
		return
	}
	g.failClosed, g.unsettled = closed, unsettled
	g.markAll()
}

// hearService has the Pods looked at again that a Service selects, or did.
func (g *gates) hearService(snapshot *store.Snapshot, ref store.Ref) {
	old := g.selectors.services[ref]
	g.selectors.put(ref, serviceOf(snapshot, ref))
	for _, s := range []*corev1.Service{old, g.selectors.services[ref]} {
		if s != nil {
			g.mark(g.byPair[firstPair(ref, s)])
		}
	}
}

// hearPod takes a Pod that came, changed or went; gone tells that one with a gate went. Another one may have its name already: nothing
// has been said of that, whatever stands there.
func (g *gates) hearPod(snapshot *store.Snapshot, ref store.Ref, now time.Time) (gone bool) {
	pod, p := podOf(snapshot, ref), g.pods[ref]
	if p != nil && (pod == nil || pod.UID != p.uid) {
		g.file(ref, p, false)
		delete(g.pods, ref)
		p, gone = nil, true
	}
	switch {
	case pod != nil && p == nil && readiness.Gated(pod):
		said := readiness.Verdict{}
		if !gone {
			said = saidBefore(snapshot.Get(ref), pod)
		}
		p = &gate{uid: pod.UID, first: now, labels: pod.Labels, said: said, before: said.Ready}
		g.pods[ref] = p
		g.alarms.set(now.Add(readiness.Settle), ref)
		g.alarms.set(created(pod, p).Add(readiness.Timeout+time.Second), ref)
	case pod != nil && p != nil:
		g.file(ref, p, false)
		p.labels = pod.Labels
	default:
		return gone
	}
	g.file(ref, p, !p.said.Ready)
	g.dirty[ref] = struct{}{}
	return gone
}

// file puts a Pod where those that wait are found, or takes it away from there.
func (g *gates) file(ref store.Ref, p *gate, waits bool) {
	for key, value := range p.labels {
		file(g.byPair, pair{ref.Cluster, ref.Namespace, key, value}, ref, waits)
	}
	file(g.byNamespace, place{ref.Cluster, ref.Namespace}, ref, waits)
	file(g.byNamespace, place{ref.Cluster, ""}, ref, waits)
}

func file[K comparable](m map[K]map[store.Ref]struct{}, key K, ref store.Ref, there bool) {
	if there {
		nested(m, key)[ref] = struct{}{}
		return
	}
	prune(m, key, ref)
}

// created is when a Pod was made, or else seen.
func created(pod *corev1.Pod, p *gate) time.Time {
	if at := pod.CreationTimestamp.Time; !at.IsZero() {
		return at
	}
	return p.first
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
	pod, _ := object.InSnapshot(snapshot)(ref).(*corev1.Pod)
	return pod
}

func serviceOf(snapshot *store.Snapshot, ref store.Ref) *corev1.Service {
	service, _ := object.InSnapshot(snapshot)(ref).(*corev1.Service)
	return service
}

// judge takes a verdict, and has the Pods at the address looked at.
func (g *gates) judge(snapshot *store.Snapshot, f store.Fact) {
	p, ok := fact.ProbeOf(f.Key)
	if !ok {
		return
	}
	at := checked{p.Check, p.Endpoint}
	if v, _ := snapshot.Fact(f).(fact.Verdict); v.State == lbv1.HealthState_HEALTHY {
		nested(g.healthy, at)[p.Location] = true
	} else {
		prune(g.healthy, at, p.Location)
	}
	for pod := range g.roster.pods[p.Endpoint] {
		g.dirty[pod] = struct{}{}
	}
}

// Healthy implements readiness.World.
func (g *gates) Healthy(check string, endpoint netip.AddrPort) bool {
	return len(g.healthy[checked{check, endpoint}]) > 0
}

// Backends implements readiness.World.
func (g *gates) Backends(zone, group string) []readiness.Backend {
	g.looks++
	return g.reach.of(zone, group)
}

// view is a waiting Pod as package readiness sees it.
func (g *gates) view(snapshot *store.Snapshot, ref store.Ref, pod *corev1.Pod) *readiness.Pod {
	p := g.pods[ref]
	out := &readiness.Pod{Created: created(pod, p), Seen: p.first, Endpoints: g.roster.of(ref)}
	out.FailClosed, out.Unsettled = g.failClosed, g.unsettled
	out.Unlisted = fact.Pending(snapshot, ref.Cluster, wanting()...)
	services, looked := g.selectors.of(ref, pod)
	g.looks += looked
	for _, service := range services {
		groups := g.roster.groups(service)
		if len(groups) == 0 {
			groups = asked(snapshot, ref.Cluster, g.selectors.services[service])
			out.Awaited = out.Awaited || len(groups) > 0
		}
		out.Groups = append(out.Groups, groups...)
	}
	return out
}

// concerned are the Pods to decide on, in order: those that something has happened to, and those whose time has come. All that wait
// are, if what leads where is not what it was.
func (g *gates) concerned(now time.Time) []store.Ref {
	for _, ref := range g.alarms.due(now) {
		g.dirty[ref] = struct{}{}
	}
	if g.reach.moved() {
		g.markAll()
	}
	refs := slices.SortedFunc(maps.Keys(g.dirty), store.CompareRefs)
	clear(g.dirty)
	return slices.DeleteFunc(refs, func(ref store.Ref) bool { return g.pods[ref] == nil })
}

// asked are the names of the groups that a Service will have. Reports of them come when proxies have taken them.
func asked(snapshot *store.Snapshot, cluster string, service *corev1.Service) []string {
	ask, _, err := annotation.Ask(service)
	if err != nil || service.Spec.Type == corev1.ServiceTypeExternalName {
		return nil
	}
	ports := map[int32]string{}
	for port, exposed := range ask.Exposed {
		ports[port] = exposed.Name
	}
	if ask.Ingress {
		for _, port := range ingress.PortsOf(snapshot, cluster, service) {
			if _, ok := annotation.Port(service, port); ok {
				ports[port] = ""
			}
		}
	}
	return neg.Names(object.InSnapshot(snapshot), cluster, service, ports)
}

// turnGates decides on the Pods that something concerns. A gate that is open stays so.
func (c *Controller) turnGates(snapshot *store.Snapshot, touched []string, now time.Time) {
	g := c.gates
	for _, ref := range g.hear(snapshot, touched, now) {
		c.condition(ref, readiness.Verdict{}, true, now)
		c.hush(ref, now)
	}
	for _, ref := range g.concerned(now) {
		g.looks++
		c.turnGate(snapshot, ref, now)
	}
}

func (c *Controller) turnGate(snapshot *store.Snapshot, ref store.Ref, now time.Time) {
	g := c.gates
	pod, p := podOf(snapshot, ref), g.pods[ref]
	if p.before {
		p.before = false
		c.condition(ref, p.said, false, now)
	}
	if pod == nil || p.said.Ready {
		return
	}
	verdict := readiness.Decide(now, g.view(snapshot, ref, pod), g)
	if verdict == p.said {
		return
	}
	p.said = verdict
	if verdict.Ready {
		g.file(ref, p, false)
	}
	c.condition(ref, verdict, false, now)
	c.tell(ref, recompute.Event{Type: corev1.EventTypeNormal, Reason: verdict.Reason, Message: verdict.Message, Source: reflector}, now)
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
