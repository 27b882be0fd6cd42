package node

import (
	"log/slog"
	"net/url"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestNodesSayWhereTheyStand(t *testing.T) {
	p, err := plan.New(plan.Options{Clusters: []string{"gke-east-1"}, Nodes: 2})
	if err != nil {
		t.Fatal(err)
	}
	c := p.Clusters[0]
	names := map[string]bool{}
	for _, n := range p.NodesOf(c) {
		o := nodeObject(c, n, p.Project, "v1.36.3")
		names[o.Name] = true
		if o.Labels[corev1.LabelTopologyRegion] != "us-east1" || o.Labels[corev1.LabelTopologyZone] != "us-east1-b" {
			t.Errorf("labels are %v", o.Labels)
		}
		if o.Status.Addresses[0].Address != n.Address.String() || o.Status.NodeInfo.KubeletVersion != "v1.36.3" {
			t.Errorf("status is %+v", o.Status)
		}
		if o.Spec.ProviderID != "gce://spillway-lab/us-east1-b/"+o.Name || o.Status.DaemonEndpoints.KubeletEndpoint.Port != kubeletPort {
			t.Errorf("%s, %+v", o.Spec.ProviderID, o.Status.DaemonEndpoints)
		}
	}
	if len(names) != 2 {
		t.Errorf("names are %v", names)
	}
}

func newSink(s *store.Store) *sink {
	return &sink{store: s, cluster: "a", gvk: corev1.SchemeGroupVersion.WithKind(kind.Pod), logger: slog.New(slog.DiscardHandler)}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "m"}}}}
}

func TestAListTakesWhatIsNotInItAway(t *testing.T) {
	s := store.New()
	k := newSink(s)
	if err := k.Add(pod("old")); err != nil {
		t.Fatal(err)
	}
	s.Commit(func(tx *store.Tx) { // another cluster's stay
		other := pod("old")
		other.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: kind.Pod}
		tx.Put("b", other, origin)
	})
	if err := k.Replace([]any{pod("x"), pod("y")}, ""); err != nil {
		t.Fatal(err)
	}
	if got := s.Snapshot().List(kind.Pod, "a", ""); len(got) != 2 || len(s.Snapshot().List(kind.Pod, "b", "")) != 1 {
		t.Errorf("after a list: %v", got)
	}
	if e := s.Snapshot().Get(store.Ref{Cluster: "a", Kind: kind.Pod, Namespace: "n", Name: "x"}); e == nil || e.Object.GetManagedFields() != nil {
		t.Errorf("entry is %+v", e)
	}
	if err := k.Delete(pod("x")); err != nil {
		t.Fatal(err)
	}
	if got := s.Snapshot().List(kind.Pod, "a", ""); len(got) != 1 {
		t.Errorf("after a deletion: %v", got)
	}
}

func TestConfigurationsAreTyped(t *testing.T) {
	s := store.New()
	k := newSink(s)
	k.gvk, k.convert = spillwayv1alpha1.SchemeGroupVersion.WithKind("Configuration"), configuration
	err := k.Add(&unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "spillway.dev/v1alpha1", "kind": "Configuration", "metadata": map[string]any{"name": "spillway"},
		"spec": map[string]any{"images": []any{map[string]any{"image": "shop", "command": []any{"python3"}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	e := s.Snapshot().Get(store.Ref{Cluster: "a", Kind: kind.Configuration, Name: "spillway"})
	if e == nil {
		t.Fatal("it is not in the store")
	}
	if c, ok := e.Object.(*spillwayv1alpha1.Configuration); !ok || len(c.Spec.Images) != 1 || c.Spec.Images[0].Command[0] != "python3" {
		t.Errorf("object is %+v", e.Object)
	}
}

func TestLimitsOfLogs(t *testing.T) {
	const log = "one\ntwo\nthree\n"
	for _, x := range []struct{ lines, size, want string }{
		{"", "", log}, {"1", "", "three\n"}, {"2", "", "two\nthree\n"}, {"3", "", log}, {"9", "", log}, {"0", "", ""}, {"", "5", "one\nt"}, {"1", "2", "th"},
	} {
		if got, err := limit([]byte(log), x.lines, x.size); string(got) != x.want || err != nil {
			t.Errorf("%+v: %q, %v", x, got, err)
		}
	}
	for _, wrong := range []string{"x", "-1"} {
		if _, err := limit(nil, wrong, ""); err == nil {
			t.Errorf("tailLines %s is no error", wrong)
		}
		if _, err := limit(nil, "", wrong); err == nil {
			t.Errorf("limitBytes %s is no error", wrong)
		}
	}
}

func TestSinceWhenLogsAreAskedFor(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for query, want := range map[string]time.Time{
		"":                               {},
		"sinceSeconds=60":                now.Add(-time.Minute),
		"sinceTime=2026-11-28T11:00:00Z": now.Add(-time.Hour),
	} {
		values, _ := url.ParseQuery(query)
		if got, err := sinceOf(values, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", query, got, err)
		}
	}
	for _, wrong := range []string{"sinceSeconds=x", "sinceSeconds=0", "sinceTime=yesterday"} {
		values, _ := url.ParseQuery(wrong)
		if _, err := sinceOf(values, now); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
