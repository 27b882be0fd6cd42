package manifests

import (
	"maps"
	"slices"
)

// Unread is a file that was there when the directory was opened and has not been read yet, because somebody is writing it.
// What it held before is not gone.
type Unread struct {
	// Path is relative to the directory, with slashes.
	Path string
	// Cluster is the cluster that its objects belong to; "" if that is not known yet.
	Cluster string
}

// unread are the files of the start that are still to be read. One that is written to for ever is no reason to hold back what
// the others say.
type unread struct {
	files map[string]bool
}

// begin takes what the settler waits for.
func (u *unread) begin(s *Settler, l layout) []Unread {
	u.files = map[string]bool{}
	var all []Unread
	for _, name := range s.Waiting() {
		u.files[name] = true
		at := l.place(&file{path: name})
		if isLayoutFile(name) || at.state != inCluster {
			at.cluster = ""
		}
		all = append(all, Unread{Path: name, Cluster: at.cluster})
	}
	return all
}

// read takes out, and returns, the files that are waited for no more: they have been read, are gone, or will not settle.
func (u *unread) read(s *Settler) []string {
	if len(u.files) == 0 {
		return nil
	}
	waiting := map[string]bool{}
	for _, name := range s.Waiting() {
		waiting[name] = true
	}
	var read []string
	for _, name := range slices.Sorted(maps.Keys(u.files)) {
		if !waiting[name] {
			delete(u.files, name)
			read = append(read, name)
		}
	}
	return read
}
