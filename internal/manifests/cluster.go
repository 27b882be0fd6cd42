package manifests

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// publishClusters publishes the Cluster objects, complete: a region, at least one zone, and exactly one of them the
// config cluster. There are few clusters, so all are looked at each time.
func (s *step) publishClusters() {
	config := s.configCluster()
	project := s.configuration().Spec.Project
	for _, name := range s.layout.names() {
		s.members[name] = true
		owner := s.layout.owners[name]
		cluster := completeCluster(owner, name, project)
		cluster.Spec.ConfigCluster = name == config
		s.publish(clusterRef(name), cluster, owner, true)
	}
	for name := range s.members {
		if !s.layout.has(name) {
			delete(s.members, name)
			s.unpublish(clusterRef(name))
		}
	}
}

func clusterRef(name string) store.Ref {
	return store.Ref{Cluster: name, Kind: kind.Cluster, Name: name}
}

func completeCluster(owner *claim, name string, project spillwayv1alpha1.Project) *spillwayv1alpha1.Cluster {
	cluster := &spillwayv1alpha1.Cluster{
		TypeMeta:   metav1.TypeMeta{APIVersion: spillwayv1alpha1.SchemeGroupVersion.String(), Kind: "Cluster"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	if owner != nil {
		cluster = owner.manifest.object.(*spillwayv1alpha1.Cluster).DeepCopy()
	}
	spec := &cluster.Spec
	if spec.Region == "" {
		spec.Region = spillwayv1alpha1.DefaultRegion
	}
	if len(spec.Zones) == 0 {
		spec.Zones = []string{spec.Region + "-a"}
	}
	if spec.Project.ID == "" {
		spec.Project.ID = project.ID
	}
	if spec.Project.Number == 0 {
		spec.Project.Number = project.Number
	}
	return cluster
}

// configuration is the published Configuration, or an empty one.
func (l *Loader) configuration() *spillwayv1alpha1.Configuration {
	if f := l.files[configurationFile]; f != nil {
		for _, c := range f.claims {
			if p := l.published[c.ref]; c.ref.Kind == kind.Configuration && p != nil {
				return p.object.(*spillwayv1alpha1.Configuration)
			}
		}
	}
	return &spillwayv1alpha1.Configuration{}
}

// configCluster is the cluster that says it is, and of several the one that was before, else the first by name; if
// none says so, the first by name.
func (l *Loader) configCluster() string {
	names := l.layout.names()
	candidates := l.configCandidates()
	if len(candidates) == 0 {
		if len(names) == 0 {
			return ""
		}
		return names[0]
	}
	for _, name := range candidates {
		p := l.published[clusterRef(name)]
		if p != nil && p.object.(*spillwayv1alpha1.Cluster).Spec.ConfigCluster {
			return name
		}
	}
	return candidates[0]
}

// configCandidates are the clusters that say they are the config cluster.
func (l *Loader) configCandidates() []string {
	var names []string
	for _, name := range l.layout.names() {
		owner := l.layout.owners[name]
		if owner != nil && owner.manifest.object.(*spillwayv1alpha1.Cluster).Spec.ConfigCluster {
			names = append(names, name)
		}
	}
	return names
}

// configProblem reports a cluster that says it is the config cluster while another is.
func (l *Loader) configProblem(f *file) []Problem {
	config := l.configCluster()
	for _, name := range l.configCandidates() {
		owner := l.layout.owners[name]
		if owner.file != f || name == config {
			continue
		}
		at := owner.manifest.configCluster
		return []Problem{{
			File: f.path, Line: at.Line, Column: at.Column, Object: objectName("Cluster", "", name), Field: "spec.configCluster",
			Rule: RuleConfigCluster, Severity: Error,
			Message: fmt.Sprintf("there can be one config cluster only, and %s (%s) is it; this one is read as a plain member", config, l.layout.owners[config].file.path),
		}}
	}
	return nil
}
