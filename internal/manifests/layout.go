package manifests

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// The two files with a meaning of their own.
const (
	ClusterFile       = "cluster.yaml"
	configurationFile = "spillway.yaml"
)

// layout says which folder is which cluster.
type layout struct {
	// clusters maps folders to the name of their cluster; "" while their cluster.yaml has never been valid, or names a
	// cluster that another folder has. Without any entry, everything is the default cluster.
	clusters map[string]string
	// owners maps clusters to the claim of their Cluster object.
	owners map[string]*claim
	// namespaces maps clusters to the namespace of objects that name none.
	namespaces map[string]string
	// rivals maps folders whose cluster's name is taken to the file that has it.
	rivals map[string]string
}

// has says whether there is a cluster of that name.
func (l layout) has(cluster string) bool {
	if len(l.clusters) == 0 {
		return cluster == spillwayv1alpha1.DefaultClusterName
	}
	return l.owners[cluster] != nil
}

// names returns the clusters' names, sorted.
func (l layout) names() []string {
	if len(l.clusters) == 0 {
		return []string{spillwayv1alpha1.DefaultClusterName}
	}
	return slices.Sorted(maps.Keys(l.owners))
}

// placement says which cluster the objects of a file belong to.
type placement struct {
	path    string
	cluster string
	// namespace is that of objects that name none.
	namespace string
	state     placementState
}

type placementState int

const (
	inCluster placementState = iota
	// outside is a file outside every cluster folder.
	outside
	// waiting is a file in the folder of a cluster that is not valid yet.
	waiting
)

// place finds the nearest cluster folder around a file.
func (l layout) place(f *file) placement {
	if len(l.clusters) == 0 {
		name := spillwayv1alpha1.DefaultClusterName
		return placement{path: f.path, cluster: name, namespace: l.namespaces[name]}
	}
	for dir := path.Dir(f.path); ; dir = path.Dir(dir) {
		cluster, ok := l.clusters[dir]
		switch {
		case ok && cluster != "":
			return placement{path: f.path, cluster: cluster, namespace: l.namespaces[cluster]}
		case ok:
			return placement{path: f.path, state: waiting}
		case dir == ".":
			return placement{path: f.path, state: outside}
		}
	}
}

// ref is the object that a manifest of a file claims; false if it claims none there. Clusters are claimed apart.
func (p placement) ref(m *manifest) (store.Ref, bool) {
	ref := m.identity()
	switch ref.Kind {
	case kind.Cluster:
		return ref, false
	case kind.Configuration:
		return ref, p.path == configurationFile
	}
	ref.Cluster = p.cluster
	if m.unplaced {
		ref.Namespace = p.namespace
	}
	return ref, p.state == inCluster
}

// misplaced says what is wrong with where a manifest stands, or nothing.
func (p placement) misplaced(m *manifest) string {
	ref := m.identity()
	switch {
	case ref.Kind == kind.Cluster && path.Base(p.path) != ClusterFile:
		return "a Cluster is read from a file named cluster.yaml only, which makes its folder that cluster"
	case ref.Kind == kind.Configuration && p.path != configurationFile:
		return "a Configuration is read from spillway.yaml at the top of the directory only"
	case ref.Kind == kind.Cluster || ref.Kind == kind.Configuration:
		return ""
	case p.state == outside:
		return "the object is in no cluster's folder; as soon as one folder has a cluster.yaml, every object needs to be in such a folder"
	}
	return ""
}

// arrange works out the layout anew if a cluster.yaml changed. Files that move to another cluster claim again.
func (s *step) arrange() {
	changed := s.layout.clusters == nil
	for name := range s.touchedFiles {
		changed = changed || path.Base(name) == ClusterFile
	}
	if !changed {
		return
	}
	s.clusters = true
	next := s.newLayout()
	moved := len(next.clusters) == 0 != (len(s.layout.clusters) == 0) || !maps.Equal(next.clusters, s.layout.clusters) ||
		!maps.Equal(next.namespaces, s.layout.namespaces)
	before := s.layout.names()
	s.layout = next
	for _, name := range slices.Concat(before, next.names()) {
		s.touchedRefs[store.Ref{Cluster: name, Kind: kind.Namespace, Name: "default"}] = true
	}
	if moved {
		for name := range s.files {
			s.touchedFiles[name] = true
		}
	}
}

func (s *step) newLayout() layout {
	next := layout{clusters: map[string]string{}, owners: map[string]*claim{}, namespaces: map[string]string{}, rivals: map[string]string{}}
	claims := s.clusterClaims()
	slices.SortStableFunc(claims, func(a, b *claim) int { return s.incumbentFirst(a, b) })
	for _, c := range claims {
		dir := path.Dir(c.file.path)
		next.clusters[dir] = ""
		if c.manifest == nil {
			continue
		}
		name := c.manifest.object.GetName()
		if owner := next.owners[name]; owner != nil {
			next.rivals[dir] = owner.file.path
			continue
		}
		next.owners[name] = c
		next.clusters[dir] = name
		next.namespaces[name] = cmp.Or(c.manifest.object.(*spillwayv1alpha1.Cluster).Spec.DefaultNamespace, s.defaultNamespace())
	}
	if len(next.clusters) == 0 {
		next.namespaces[spillwayv1alpha1.DefaultClusterName] = s.defaultNamespace()
	}
	return next
}

// clusterClaims returns one claim for each cluster.yaml, in order of path, without a manifest if it has no valid one.
func (s *step) clusterClaims() []*claim {
	var claims []*claim
	for _, name := range slices.Sorted(maps.Keys(s.files)) {
		f := s.files[name]
		if path.Base(name) != ClusterFile || f.gone {
			continue
		}
		c := &claim{file: f}
		for i, m := range f.manifests {
			if m.kind.Ref() == kind.Cluster && c.manifest == nil {
				c.index, c.manifest = i, m
				c.ref = store.Ref{Cluster: m.object.GetName(), Kind: kind.Cluster, Name: m.object.GetName()}
			}
		}
		claims = append(claims, c)
	}
	return claims
}

// incumbentFirst puts the folder that has a cluster's name before others that want it.
func (s *step) incumbentFirst(a, b *claim) int {
	return boolOrder(s.isIncumbent(a), s.isIncumbent(b))
}

func (s *step) isIncumbent(c *claim) bool {
	if c.manifest == nil {
		return false
	}
	owner := s.layout.owners[c.manifest.object.GetName()]
	return owner != nil && owner.file == c.file
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// rivalProblem reports a folder whose cluster's name is taken.
func (l layout) rivalProblem(f *file) []Problem {
	rival, ok := l.rivals[path.Dir(f.path)]
	if !ok || path.Base(f.path) != ClusterFile {
		return nil
	}
	for _, m := range f.manifests {
		if m.kind.Ref() == kind.Cluster {
			return []Problem{{
				File: f.path, Line: m.position.Line, Column: m.position.Column, Object: objectName("Cluster", "", m.object.GetName()),
				Field: "metadata.name", Rule: RuleDuplicateObject, Severity: Error,
				Message: fmt.Sprintf("%s has a cluster of this name already; nothing in this folder is read", rival),
			}}
		}
	}
	return nil
}
