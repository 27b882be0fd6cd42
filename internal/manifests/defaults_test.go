package manifests

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/spillway-lb/spillway/internal/manifests/schema"
)

// TestDefaults shows each section of testdata/defaults/core.txtar with its defaults.
func TestDefaults(t *testing.T) {
	const name = "testdata/defaults/core.txtar"
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	registry := schema.NewRegistry()
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		p := parse(registry, f.Name, f.Data)
		if len(p.manifests) != 1 {
			t.Fatal(p.problems)
		}
		text, err := yaml.Marshal(p.manifests[0].object)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&got, "# %s\n%s", f.Name, text)
	}
	compareWant(t, name, archive, got.String())
}
