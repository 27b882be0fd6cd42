package serve

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	membercluster "github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/membership"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/store"
)

func keptCluster(name string, now time.Time) []persist.Object {
	c := &spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: spillwayv1alpha1.SchemeGroupVersion.String(), Kind: kind.Bare(kind.Cluster)},
		ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spillwayv1alpha1.ClusterSpec{Region: "r-" + name, Zones: []string{"z"}},
	}
	service := &corev1.Service{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "s"}}
	return []persist.Object{{Cluster: name, Object: c, Origin: "a Secret", SeenAt: now}, {Cluster: name, Object: service, SeenAt: now}}
}

// TestAStartWithoutTheConfigCluster has the clusters that it named before, as they were last known, until it names them again.
func TestAStartWithoutTheConfigCluster(t *testing.T) {
	now := time.Now()
	nowhere := membercluster.Member{Name: "hub", REST: &rest.Config{Host: "http://" + unknownHost, Transport: unreached{}}, Version: "1", ConfigCluster: true}
	away := &membership.UnlistedError{Members: []membercluster.Member{nowhere}, Err: errors.New("hub is away")}
	answer := func(func(string, ...any)) ([]membercluster.Member, error) { return nil, away }
	out := &buffer{}
	start := func(kept *persist.State) (*clusterOrigin, *store.Store, error) {
		s := &server{config: Config{Clusters: &Clusters{Members: answer, Install: "a"}, Now: time.Now}, store: store.New(), report: newReporter(out, FormatText, time.Now)}
		o, err := newClusterOrigin(s, kept)
		return o, s.store, err
	}
	if _, _, err := start(&persist.State{Objects: keptCluster("west", now)}); !errors.Is(err, away.Err) {
		t.Errorf("a start that knows nothing of the config cluster: %v", err)
	}
	o, s, err := start(&persist.State{Objects: slices.Concat(keptCluster("hub", now), keptCluster("west", now))})
	if err != nil {
		t.Fatal(err)
	}
	o.set.Follow(o.members)
	west, there := o.set.Member("west")
	ref := store.Ref{Cluster: "west", Kind: kind.Service, Namespace: "n", Name: "s"}
	if !there || west.Region != "r-west" || len(west.Zones) != 1 || s.Snapshot().Get(ref) == nil {
		t.Errorf("west: %+v", west)
	}
	if !strings.Contains(out.String(), "hub is away") {
		t.Errorf("nobody is told: %s", out)
	}
	found := west
	found.Version = "1"
	answer = func(func(string, ...any)) ([]membercluster.Member, error) {
		return []membercluster.Member{nowhere, found}, nil
	}
	o.config.Members = answer
	o.look()
	if now, _ := o.set.Member("west"); now.Version != "1" || s.Snapshot().Get(ref) == nil {
		t.Errorf("west, found again: %+v", now)
	}
	o.config.Members = func(func(string, ...any)) ([]membercluster.Member, error) {
		return []membercluster.Member{nowhere}, nil
	}
	o.look()
	if s.Snapshot().Get(ref) != nil {
		t.Error("west is named no more, and is still there")
	}
}
