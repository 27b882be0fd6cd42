package controller

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// fleet is a controller of many Service ports in one namespace, of which the first ones have a Pod each that waits.
type fleet struct {
	store *store.Store
	model *view.Model
	own   *store.Subscription
	negs  *Controller
	now   time.Time
}

// unread is a writer that nobody reads.
type unread struct{ conditions int }

func (u *unread) Apply(changes []recompute.WriteChange, _ []string, _ time.Time) {
	for _, c := range changes {
		if c.Part == recompute.PartCondition {
			u.conditions++
		}
	}
}

func (*unread) Expire(time.Time) {}

const fleetZone = "us-west1-a"

func newFleet(ports, pods int) *fleet {
	f := &fleet{store: store.New(translate.Indexes()...), model: view.NewModel(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.model.Apply(fleetModel(ports))
	f.store.Commit(func(tx *store.Tx) {
		tx.Put("c", &spillwayv1alpha1.Cluster{
			TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"}, ObjectMeta: metav1.ObjectMeta{Name: "c"},
		}, "test")
		for i := range ports {
			for _, o := range fleetObjects(i, i < pods) {
				tx.Put("c", o, "test")
			}
		}
	})
	f.negs = New(Options{Store: f.store, Writer: &unread{}, Model: f.model, Now: func() time.Time { return f.now }})
	f.own = f.store.Subscribe()
	var reports []recompute.WriteChange
	for i := range ports {
		reports = append(reports, fleetReport(i))
	}
	f.negs.Apply(reports, nil, f.now)
	f.step()
	f.step() // what the first one wrote
	return f
}

func (f *fleet) step() { f.negs.Step(f.own.Take()) }

// verdict is one of a location on a Pod.
func (f *fleet) verdict(pod int, state lbv1.HealthState) {
	f.store.Commit(func(tx *store.Tx) {
		p := fact.Probe{Location: "us-west1", Check: fmt.Sprintf("b%d", pod), Endpoint: netip.MustParseAddrPort(fleetAddress(pod))}
		tx.SetFact(fact.Health(p), fact.Verdict{State: state})
	})
	f.step()
}

func fleetAddress(i int) string { return fmt.Sprintf("10.%d.%d.1:8080", i/256, i%256) }

func fleetName(i int) string { return fmt.Sprintf("k8s1-%d", i) }

func fleetObjects(i int, waits bool) []store.Object {
	label := map[string]string{"app": fmt.Sprintf("a%d", i)}
	objects := []store.Object{
		&corev1.Service{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "store", Name: fmt.Sprintf("s%d", i), Annotations: map[string]string{annotation.Name: `{"exposed_ports":{"80":{}}}`},
			},
			Spec: corev1.ServiceSpec{Selector: label, Ports: []corev1.ServicePort{{Port: 80}}},
		},
		&negv1beta1.ServiceNetworkEndpointGroup{
			TypeMeta:   metav1.TypeMeta{APIVersion: negv1beta1.SchemeGroupVersion.String(), Kind: "ServiceNetworkEndpointGroup"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: fleetName(i)},
		},
	}
	if waits {
		objects = append(objects, &corev1.Pod{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: fmt.Sprintf("p%d", i), Labels: label},
			Spec:       corev1.PodSpec{ReadinessGates: []corev1.PodReadinessGate{{ConditionType: readiness.Gate}}},
		})
	}
	return objects
}

func fleetReport(i int) recompute.WriteChange {
	service := store.Ref{Cluster: "c", Kind: kind.Service, Namespace: "store", Name: fmt.Sprintf("s%d", i)}
	return recompute.WriteChange{Write: recompute.Write{Ref: service, Part: recompute.PartReport, Key: "80", Value: &neg.Report{
		Service: service, Unit: neg.Key("c", "store", service.Name, 80), Name: fleetName(i), Key: service.Name,
		Zones: []neg.ReportZone{{Zone: fleetZone, Endpoints: []neg.ReportEndpoint{{Address: fleetAddress(i), Pod: fmt.Sprintf("store/p%d", i)}}}},
	}}}
}

// fleetModel is one load balancer with a rule for each port.
func fleetModel(ports int) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
		{Name: "f", Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{TargetProxy: "t"}}},
		{Name: "t", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "u"}}},
		{Name: "u", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "b0"}}},
	}}
	for i := range ports {
		b, group := fmt.Sprintf("b%d", i), names.Group(fleetZone, fleetName(i))
		tx.Upserts = append(
			tx.Upserts,
			&lbv1.Resource{Name: b, Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{}}},
			&lbv1.Resource{Name: group, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Zone: fleetZone}}},
			&lbv1.Resource{Name: b, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
				HealthCheck: b, Backends: []*lbv1.Backend{{Group: group}},
			}}},
			&lbv1.Resource{Name: b, Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
				UrlMap: "u",
				Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: b}}}},
			}}},
		)
	}
	return tx
}

func BenchmarkOneVerdict(b *testing.B) {
	for _, size := range []struct{ ports, pods int }{{100, 100}, {10_000, 1000}} {
		b.Run(fmt.Sprintf("ports=%d/pods=%d", size.ports, size.pods), func(b *testing.B) {
			f := newFleet(size.ports, size.pods)
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				f.verdict(0, lbv1.HealthState(2*(i%2))) // not healthy, one way or another
			}
		})
	}
}

// TestOneVerdictConcernsOnePod: what a verdict costs does not depend on who else waits, or on what else is there.
func TestOneVerdictConcernsOnePod(t *testing.T) {
	f := newFleet(10_000, 1000)
	counted := &countedModel{Model: f.model}
	f.negs.options.Model, f.negs.gates.reach.model = counted, counted
	before := f.negs.gates.looks
	f.verdict(7, lbv1.HealthState_UNHEALTHY)
	f.verdict(7, lbv1.HealthState_HEALTHY)
	if looks := f.negs.gates.looks - before + counted.reads; looks > 30 {
		t.Errorf("two verdicts on a Pod led to %d looks at Pods, Services, groups and resources", looks)
	}
	if said := f.negs.gates.pods[podRef(7)].said; said.Reason != readiness.ReasonReady {
		t.Errorf("the Pod is %v", said)
	}
	if said := f.negs.gates.pods[podRef(8)].said; said.Reason != readiness.ReasonNotReady {
		t.Errorf("its neighbour is %v", said)
	}
}

func podRef(i int) store.Ref {
	return store.Ref{Cluster: "c", Kind: kind.Pod, Namespace: "store", Name: fmt.Sprintf("p%d", i)}
}

// countedModel counts the resources that it gives.
type countedModel struct {
	Model
	reads int
}

func (m *countedModel) Kind(kind string) []*lbv1.Resource {
	all := m.Model.Kind(kind)
	m.reads += len(all)
	return all
}

func (m *countedModel) Users(kind, name string) []*lbv1.Resource {
	all := m.Model.Users(kind, name)
	m.reads += len(all)
	return all
}

func (m *countedModel) Get(kind, name string) *lbv1.Resource {
	m.reads++
	return m.Model.Get(kind, name)
}

// TestAnotherPodOfTheName: a Pod that is made anew, as a StatefulSet's are, waits for its own verdict, though nobody saw that the old
// one went.
func TestAnotherPodOfTheName(t *testing.T) {
	f := newFleet(1, 1)
	f.verdict(0, lbv1.HealthState_HEALTHY)
	if said := f.negs.gates.pods[podRef(0)].said; !said.Ready {
		t.Fatalf("the first Pod is %v", said)
	}
	f.verdict(0, lbv1.HealthState_UNHEALTHY)
	f.store.Commit(func(tx *store.Tx) {
		next := tx.Get(podRef(0)).Object.DeepCopyObject().(*corev1.Pod)
		next.UID = "another"
		tx.Delete(podRef(0))
		tx.Put("c", next, "test")
	})
	f.step()
	if said := f.negs.gates.pods[podRef(0)].said; said.Ready {
		t.Errorf("the next Pod of the name is %v", said)
	}
}
