package manifests

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillway-lb/spillway/internal/manifests/schema"
)

// FuzzLoad loads a file, the same cut short, and the file again: whatever it holds, the loader must not panic, every
// problem must have a file, and the second whole load must change nothing that the first did not settle.
func FuzzLoad(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name != "want" && (strings.HasPrefix(section.Name, "valid") || strings.HasPrefix(section.Name, "1 ")) {
				f.Add(section.Data, 20)
			}
		}
	}
	f.Add([]byte("\xef\xbb\xbfkind: Service\r\napiVersion: v1\r\n"), 5)
	f.Add([]byte("kind:\tService"), 6)
	registry := schema.NewRegistry()
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		loader := NewLoader()
		loader.registry = registry // compiled once
		now := time.Unix(1, 0)
		load := func(data []byte) Delta {
			return loader.Load([]Event{{Path: "a.yaml", Data: data, ModTime: now}, {Path: "c/cluster.yaml", Data: data, ModTime: now}}, now)
		}
		load(data)
		if cut >= 0 && cut < len(data) {
			load(data[:cut])
		}
		load(data)
		if d := load(data); !d.Empty() {
			t.Errorf("the same files again make %+v", d)
		}
		for _, p := range loader.Problems() {
			if p.File == "" || p.Message == "" || p.Rule == "" {
				t.Errorf("problem %+v", p)
			}
		}
		loader.Load([]Event{{Path: "a.yaml", Gone: true}, {Path: "c/cluster.yaml", Gone: true}}, now)
		if len(loader.Problems())+len(loader.files)+len(loader.claims) > 0 || len(loader.published) != 2 {
			t.Errorf("something is left: %v %v", loader.Problems(), loader.published)
		}
	})
}
