package rbac

import (
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/manifests"
)

// files reads the manifests of one scenario after the other: what is read of CRDs is read once.
type files struct {
	loader *manifests.Loader
	paths  map[string]bool
}

func newFiles() *files { return &files{loader: manifests.NewLoader(), paths: map[string]bool{}} }

func (f *files) load(path, data string) manifests.Delta {
	f.paths[path] = true
	return f.loader.Load([]manifests.Event{{
		Path: path, Data: []byte(data), ModTime: time.Unix(0, 0), Gone: strings.TrimSpace(data) == "(gone)",
	}}, time.Unix(0, 0))
}

// clear forgets the scenario.
func (f *files) clear() {
	var gone []manifests.Event
	for path := range f.paths {
		gone = append(gone, manifests.Event{Path: path, Gone: true})
	}
	f.loader.Load(gone, time.Unix(0, 0))
	f.paths = map[string]bool{}
}
