package view

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestProject wants access logs to name the project that compute does: the config cluster's, or the default.
func TestProject(t *testing.T) {
	s := store.New()
	put := func(name string, config bool, project spillwayv1alpha1.Project) {
		s.Commit(func(tx *store.Tx) {
			tx.Put(name, &spillwayv1alpha1.Cluster{
				TypeMeta:   metav1.TypeMeta{APIVersion: "spillway.dev/v1alpha1", Kind: "Cluster"},
				ObjectMeta: metav1.ObjectMeta{Name: name},
				Spec:       spillwayv1alpha1.ClusterSpec{ConfigCluster: config, Project: project},
			}, "")
		})
	}
	expect := func(wantID, wantNumber string) {
		t.Helper()
		if id, number := Project(s.Snapshot()); id != wantID || number != wantNumber {
			t.Errorf("project %q, %q; want %q, %q", id, number, wantID, wantNumber)
		}
	}
	expect("spillway", "")
	put("a", false, spillwayv1alpha1.Project{})
	expect("spillway", "")
	put("b", true, spillwayv1alpha1.Project{ID: "acme", Number: 42})
	expect("acme", "42")
	if of := projectsOf(s.Snapshot()); of["b"] != "acme" || of["a"] != "spillway" {
		t.Errorf("compute names %v", of)
	}
}
