package manifests

import (
	"fmt"
	"path"
	"slices"
)

// reportProblems compares what is wrong with every touched file with what was reported of it before. Problems of
// clusters depend on other files, so every cluster.yaml is looked at.
func (s *step) reportProblems() {
	if s.clusters {
		for dir := range s.layout.clusters {
			s.touchedFiles[path.Join(dir, ClusterFile)] = true
		}
	}
	for name := range s.touchedFiles {
		before, now := s.problems[name], s.problemsOf(name)
		for _, p := range now {
			if !slices.Contains(before, p) {
				s.delta.Problems = append(s.delta.Problems, p)
			}
		}
		for _, p := range before {
			if !slices.Contains(now, p) {
				s.delta.Solved = append(s.delta.Solved, p)
			}
		}
		if s.problems[name] = now; len(now) == 0 {
			delete(s.problems, name)
		}
	}
	SortProblems(s.delta.Problems)
	SortProblems(s.delta.Solved)
}

func (l *Loader) problemsOf(name string) []Problem {
	f := l.files[name]
	if f == nil {
		return nil
	}
	problems := slices.Clone(f.problems)
	for i := range problems {
		problems[i].place(f.placed.namespace)
	}
	for _, m := range f.manifests {
		if message := f.placed.misplaced(m); message != "" {
			problems = append(problems, problemAt(f, m, RuleMisplaced, message))
		}
	}
	for _, c := range f.claims {
		if p := l.published[c.ref]; p != nil && p.claim != c {
			problems = append(problems, problemAt(f, c.manifest, RuleDuplicateObject,
				fmt.Sprintf("the object is also in %s, which counts; this one is ignored", p.claim.origin())))
		}
	}
	if path.Base(name) == ClusterFile {
		problems = append(problems, l.folderProblem(f)...)
		problems = append(problems, l.layout.rivalProblem(f)...)
		problems = append(problems, l.configProblem(f)...)
	}
	return problems
}

// folderProblem says that nothing of a folder is read while its cluster.yaml has no valid Cluster.
func (l *Loader) folderProblem(f *file) []Problem {
	dir := path.Dir(f.path)
	cluster, isFolder := l.layout.clusters[dir]
	if _, rival := l.layout.rivals[dir]; !isFolder || cluster != "" || rival {
		return nil
	}
	return []Problem{{
		File: f.path, Rule: RuleNoCluster, Severity: Error,
		Message: "nothing in this folder is read until the file holds a valid Cluster (apiVersion: spillway.dev/v1alpha1)",
	}}
}

func problemAt(f *file, m *manifest, rule, message string) Problem {
	return Problem{
		File: f.path, Line: m.position.Line, Column: m.position.Column, Rule: rule, Severity: Error, Message: message,
		Object: objectName(m.kind.Name, m.object.GetNamespace(), m.object.GetName()),
	}
}
