package fleet

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// world runs the units over a store and keeps what they want written.
type world struct {
	t      *testing.T
	store  *store.Store
	sub    *store.Subscription
	engine *recompute.Engine
	writes map[string]recompute.Write
	// fleet and imports are what a reader of the units last saw.
	fleet   *Fleet
	imports map[string]*Import
	reads   int
}

// watched is a root of the test: it reads the units as a route would.
const watched = "ConfigMap"

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, writes: map[string]recompute.Write{}, imports: map[string]*Import{}}
	units := Units()
	units["test"] = func(v *recompute.View, _ string) recompute.Result {
		w.reads++
		w.fleet, _, _ = recompute.Value[*Fleet](v, UnitMembers, "")
		clear(w.imports)
		for _, name := range []string{ImportKey("store", "store"), ImportKey("default", "store")} {
			if im, ok, _ := recompute.Value[*Import](v, UnitImport, name); ok {
				w.imports[name] = im
			}
		}
		return recompute.Result{State: recompute.Present}
	}
	w.store = store.New(Indexes()...)
	w.sub = w.store.Subscribe()
	w.engine = recompute.New(recompute.Config{
		Units: units, Roots: append(Roots(), recompute.Root{Kind: watched, Unit: "test"}),
	})
	w.put("any", &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: watched}})
	return w
}

func (w *world) put(cluster string, o store.Object) {
	w.store.Commit(func(tx *store.Tx) { tx.Put(cluster, o, "test") })
}

func (w *world) remove(cluster, of, name string) {
	namespace := "store"
	if of == kind.Cluster {
		namespace = ""
	}
	w.store.Commit(func(tx *store.Tx) {
		tx.Delete(store.Ref{Cluster: cluster, Kind: of, Namespace: namespace, Name: name})
	})
}

// run computes, and puts derived objects into the store as the writer would.
func (w *world) run() {
	w.t.Helper()
	for range 3 {
		round := w.engine.Run(w.sub.Take())
		for _, p := range round.Problems {
			w.t.Fatalf("%s: %s", p.Unit, p.Text)
		}
		w.store.Commit(func(tx *store.Tx) {
			for _, c := range round.Writes {
				w.apply(tx, c)
			}
		})
	}
}

func (w *world) apply(tx *store.Tx, c recompute.WriteChange) {
	key := c.Ref.String() + " " + string(c.Part) + " " + c.Key
	if c.Removed {
		delete(w.writes, key)
		if e := tx.Get(c.Ref); c.Part == recompute.PartObject && e != nil && e.Origin == "derived" {
			tx.Delete(c.Ref)
		}
		return
	}
	w.writes[key] = c.Write
	if c.Part == recompute.PartObject {
		tx.Put(c.Ref.Cluster, c.Value.(store.Object), "derived")
	}
}

func cluster(name string, config bool) *spillwayv1alpha1.Cluster {
	return &spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: spillwayv1alpha1.ClusterSpec{
			Region: "us-" + name, Zones: []string{"us-" + name + "-a"}, ConfigCluster: config,
			Project: spillwayv1alpha1.Project{ID: "demo", Number: 42},
		},
	}
}

func meta(namespace, name string, age int) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, CreationTimestamp: metav1.NewTime(time.Unix(int64(1000-age), 0)),
	}
}

func netExport(namespace string, age int) *netv1.ServiceExport {
	return &netv1.ServiceExport{
		TypeMeta:   metav1.TypeMeta{APIVersion: "net.gke.io/v1", Kind: "ServiceExport"},
		ObjectMeta: meta(namespace, "store", age),
	}
}

func mcsExport(namespace string, age int) *mcsv1beta1.ServiceExport {
	return &mcsv1beta1.ServiceExport{
		TypeMeta:   metav1.TypeMeta{APIVersion: "multicluster.x-k8s.io/v1beta1", Kind: "ServiceExport"},
		ObjectMeta: meta(namespace, "store", age),
	}
}

func service(namespace string, ports ...Port) *corev1.Service {
	s := &corev1.Service{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: meta(namespace, "store", 0),
	}
	for _, p := range ports {
		s.Spec.Ports = append(s.Spec.Ports, corev1.ServicePort{
			Name: p.Name, Port: p.Port, Protocol: corev1.Protocol(p.Protocol),
		})
	}
	return s
}

func tcp(name string, port int32) Port { return Port{Name: name, Protocol: "TCP", Port: port} }

// exportText shows the conditions of an export as TYPE=STATUS/REASON.
func (w *world) exportText(cluster, kind, namespace string) string {
	ref := store.Ref{Cluster: cluster, Kind: kind, Namespace: namespace, Name: "store"}
	var conditions []metav1.Condition
	switch s := w.writes[ref.String()+" status "].Value.(type) {
	case *netv1.ServiceExportStatus:
		conditions = s.Conditions
	case *mcsv1beta1.ServiceExportStatus:
		conditions = s.Conditions
	}
	var parts []string
	for _, c := range conditions {
		parts = append(parts, fmt.Sprintf("%s=%s/%s", c.Type, c.Status, c.Reason))
	}
	return strings.Join(parts, " ")
}

func (w *world) serviceImport(cluster, namespace string) *netv1.ServiceImport {
	ref := store.Ref{Cluster: cluster, Kind: kind.ServiceImport, Namespace: namespace, Name: "store"}
	if e := w.store.Snapshot().Get(ref); e != nil {
		return e.Object.(*netv1.ServiceImport)
	}
	return nil
}

func (w *world) expectExport(cluster, kind, namespace, want string) {
	w.t.Helper()
	if got := w.exportText(cluster, kind, namespace); got != want {
		w.t.Errorf("%s of %s:\n got %s\nwant %s", kind, cluster, got, want)
	}
}

const good = "Valid=True/Valid Ready=True/Exported Conflict=False/NoConflicts"

func TestMembersAndConfigCluster(t *testing.T) {
	w := newWorld(t)
	w.put("b", cluster("b", false))
	w.put("a", cluster("a", false))
	w.run()
	want := Member{Name: "a", Region: "us-a", Zones: []string{"us-a-a"}, ProjectID: "demo", ProjectNumber: "42"}
	if len(w.fleet.Members) != 2 || fmt.Sprint(w.fleet.Members[0]) != fmt.Sprint(want) {
		t.Errorf("members are %+v", w.fleet.Members)
	}
	if w.fleet.ConfigCluster != "a" {
		t.Errorf("config cluster is %q, want the first when none claims", w.fleet.ConfigCluster)
	}
	w.put("c", cluster("c", true))
	w.put("b", cluster("b", true))
	w.run()
	if w.fleet.ConfigCluster != "b" {
		t.Errorf("config cluster is %q, want the first that claims", w.fleet.ConfigCluster)
	}
	w.put("c", &spillwayv1alpha1.Cluster{
		TypeMeta: metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"}, ObjectMeta: meta("", "c", 0),
	})
	w.run()
	if m, ok := w.fleet.Member("c"); !ok || m.Region != DefaultRegion || m.Zones[0] != "us-west1-a" {
		t.Errorf("a cluster that says nothing is %+v", m)
	}
}

func TestOneExportIsImportedInEveryMember(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	w.put("a", service("store", tcp("", 8080)))
	w.put("a", netExport("store", 0))
	w.run()
	w.expectExport("a", kind.ServiceExport, "store", good)
	ips := map[string]bool{}
	for _, member := range []string{"a", "b"} {
		o := w.serviceImport(member, "store")
		if o == nil {
			t.Fatalf("%s has no ServiceImport", member)
		}
		if o.Spec.Type != ClusterSetIP || len(o.Spec.IPs) != 1 || len(o.Spec.Ports) != 1 || o.Spec.Ports[0].Port != 8080 {
			t.Errorf("spec in %s is %+v", member, o.Spec)
		}
		ip := netip.MustParseAddr(o.Spec.IPs[0])
		if !address.ServiceImports(member).Contains(ip) || ips[ip.String()] {
			t.Errorf("ip in %s is %s", member, ip)
		}
		ips[ip.String()] = true
		if o.Labels[labelManagedBy] != managedBy || o.Labels[labelBackendService] != "gkemcs-store-store" ||
			o.Labels[labelProject] != "demo" {
			t.Errorf("labels in %s are %v", member, o.Labels)
		}
		derived := o.Annotations[annotationDerived]
		ref := store.Ref{Cluster: member, Kind: "Service", Namespace: "store", Name: derived}
		if e := w.store.Snapshot().Get(ref); e == nil || e.Object.(*corev1.Service).Spec.ClusterIP != o.Spec.IPs[0] {
			t.Errorf("%s is not there with the import's address", ref)
		}
	}
	ref := store.Ref{Cluster: "b", Kind: kind.ServiceImport, Namespace: "store", Name: "store"}
	status := w.writes[ref.String()+" status "].Value.(*netv1.ServiceImportStatus)
	if got := status.Clusters[0].Cluster; got != "projects/42/locations/us-a/memberships/a" {
		t.Errorf("status names %s", got)
	}
	ref.Kind = kind.MCSServiceImport
	if got := w.writes[ref.String()+" status "].Value.(*mcsv1beta1.ServiceImportStatus).Clusters[0].Cluster; got != "a" {
		t.Errorf("status of the upstream group names %s", got)
	}
}

func TestImportGoesWithTheLastExport(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	for _, c := range []string{"a", "b"} {
		w.put(c, service("store", tcp("", 8080)))
		w.put(c, netExport("store", 0))
	}
	w.run()
	ip := w.serviceImport("a", "store").Spec.IPs[0]
	w.remove("a", kind.ServiceExport, "store")
	w.run()
	im := w.imports[ImportKey("store", "store")]
	if im == nil || len(im.Exports) != 1 || im.Exports[0].Cluster != "b" {
		t.Errorf("import is %+v, want b's", im)
	}
	if got := w.serviceImport("a", "store").Spec.IPs[0]; got != ip {
		t.Errorf("ip moved from %s to %s", ip, got)
	}
	w.remove("b", kind.Cluster, "b")
	w.run()
	if w.imports[ImportKey("store", "store")] != nil || w.serviceImport("a", "store") != nil {
		t.Error("the import outlives the last member that exports")
	}
	for key := range w.writes {
		t.Errorf("still wanted: %s", key)
	}
}

func TestPortsAreAUnionAndTheOldestWins(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	w.put("a", service("store", tcp("http", 8080), tcp("admin", 9000)))
	w.put("a", netExport("store", 1))
	older := service("store", tcp("http", 80), tcp("metrics", 9000))
	older.Spec.SessionAffinity = corev1.ServiceAffinityClientIP
	w.put("b", older)
	w.put("b", mcsExport("store", 2))
	w.run()
	im := w.imports[ImportKey("store", "store")]
	if got, want := fmt.Sprint(im.Ports), fmt.Sprint([]Port{tcp("http", 80), tcp("metrics", 9000)}); got != want {
		t.Errorf("ports are %s, want %s", got, want)
	}
	if got := im.Exports[0]; got.Cluster != "a" || got.Ports[0].Port != 8080 {
		t.Errorf("a's own ports are %+v", got)
	}
	conflict := "Valid=True/Valid Ready=True/Exported Conflict=True/PortConflict,SessionAffinityConflict"
	w.expectExport("a", kind.ServiceExport, "store", conflict)
	w.expectExport("b", kind.MCSServiceExport, "store", conflict)
	if got := w.serviceImport("a", "store").Spec.SessionAffinity; got != corev1.ServiceAffinityClientIP {
		t.Errorf("session affinity is %s, want the oldest export's", got)
	}
	w.put("a", service("store", tcp("http", 80), tcp("other", 7)))
	w.run()
	if got := len(w.imports[ImportKey("store", "store")].Ports); got != 3 {
		t.Errorf("the union has %d ports, want 3", got)
	}
}

func TestExportsThatDoNotCount(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("a", netExport("store", 0))
	w.run()
	w.expectExport("a", kind.ServiceExport, "store", "Valid=False/NoService Ready=False/Failed")
	if w.imports[ImportKey("store", "store")] != nil {
		t.Error("an export without a Service is imported")
	}
	external := service("store", tcp("", 80))
	external.Spec.Type = corev1.ServiceTypeExternalName
	w.put("a", external)
	w.run()
	w.expectExport("a", kind.ServiceExport, "store", "Valid=False/InvalidServiceType Ready=False/Failed")

	w.put("a", service("default", tcp("", 80)))
	w.put("a", netExport("default", 0))
	w.run()
	w.expectExport("a", kind.ServiceExport, "default", "Valid=False/InvalidNamespace Ready=False/Failed")
	if w.imports[ImportKey("default", "store")] != nil {
		t.Error("net.gke.io exports from default")
	}
	w.put("a", mcsExport("default", 0))
	w.run()
	w.expectExport("a", kind.MCSServiceExport, "default", good)
	if w.imports[ImportKey("default", "store")] == nil {
		t.Error("multicluster.x-k8s.io does not export from default")
	}
}

func TestHeadlessAndTypeConflict(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	headless := service("store", tcp("", 80))
	headless.Spec.ClusterIP = corev1.ClusterIPNone
	w.put("a", headless)
	w.put("a", netExport("store", 5))
	w.run()
	if o := w.serviceImport("b", "store"); o.Spec.Type != Headless || len(o.Spec.IPs) != 0 {
		t.Errorf("spec is %+v", o.Spec)
	}
	w.put("b", service("store", tcp("", 80)))
	w.put("b", netExport("store", 9))
	w.run()
	if o := w.serviceImport("b", "store"); o.Spec.Type != ClusterSetIP || len(o.Spec.IPs) != 1 {
		t.Errorf("spec is %+v, want the oldest export's type", o.Spec)
	}
	w.expectExport("a", kind.ServiceExport, "store", "Valid=True/Valid Ready=True/Exported Conflict=True/TypeConflict")
}

func TestWhatTheUserWroteWins(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("b", cluster("b", false))
	w.put("a", service("store", tcp("", 80)))
	w.put("a", netExport("store", 0))
	w.run()
	own := &netv1.ServiceImport{
		TypeMeta: metav1.TypeMeta{APIVersion: "net.gke.io/v1", Kind: "ServiceImport"}, ObjectMeta: meta("store", "store", 0),
		Spec: netv1.ServiceImportSpec{Type: netv1.ClusterSetIP, IPs: []string{"1.2.3.4"}},
	}
	w.put("b", own)
	w.run()
	if got := w.serviceImport("b", "store").Spec.IPs[0]; got != "1.2.3.4" {
		t.Errorf("the user's import is overwritten with %s", got)
	}
	w.remove("b", kind.ServiceImport, "store")
	w.run()
	if o := w.serviceImport("b", "store"); o == nil || o.Spec.IPs[0] == "1.2.3.4" {
		t.Errorf("after the user's import is gone there is %+v", o)
	}
}

func TestEventsOfExports(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("a", netExport("store", 0))
	w.run()
	reasons := func() string {
		var all []string
		for _, key := range slices.Sorted(maps.Keys(w.writes)) {
			if e, ok := w.writes[key].Value.(recompute.Event); ok {
				all = append(all, e.Type+" "+e.Reason)
			}
		}
		return strings.Join(all, ", ")
	}
	if got := reasons(); got != "Warning NoService" {
		t.Errorf("events are %s", got)
	}
	w.put("a", service("store", tcp("", 80)))
	w.run()
	if got := reasons(); got != "Normal Exported" {
		t.Errorf("events are %s", got)
	}
}

func TestOtherExportsWakeNoReader(t *testing.T) {
	w := newWorld(t)
	w.put("a", cluster("a", true))
	w.put("a", service("store", tcp("", 80)))
	w.put("a", netExport("store", 0))
	w.run()
	before := w.reads
	other := netExport("store", 0)
	other.Name = "other"
	w.put("a", other)
	w.run()
	if w.reads != before {
		t.Error("another export woke the reader of an import")
	}
}
