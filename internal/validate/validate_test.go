package validate_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/validate"
)

var update = flag.Bool("update", false, "write what is wanted into the testdata")

// TestDirectories validates the files of each testdata/*.txtar; the section "want" shows the problems. A comment with the word
// "strict" asks for what GKE refuses.
func TestDirectories(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
			if i < 0 {
				i = len(archive.Files)
				archive.Files = append(archive.Files, txtar.File{Name: "want"})
			}
			dir := t.TempDir()
			for _, f := range archive.Files[:i] {
				if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			report, err := validate.Directory(dir, validate.Options{Now: time.Now(), Strict: strings.Contains(string(archive.Comment), "strict")})
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for _, p := range report.Problems {
				fmt.Fprintln(&got, p)
			}
			if *update {
				archive.Files[i].Data = []byte(got.String())
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if string(archive.Files[i].Data) != got.String() {
				t.Errorf("run with -update and look at the difference; got:\n%s", got.String())
			}
		})
	}
}

// Every example of ours serves, and the first stage alone looks at no reference.
func TestExamplesServe(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatal(dirs, err)
	}
	for _, dir := range dirs {
		report, err := validate.Directory(dir, validate.Options{Now: time.Now()})
		if base := filepath.Base(dir); base == "callouts" || base == "plugins" { // programs, which manifests elsewhere name
			continue
		}
		if err != nil || len(report.Problems) > 0 || report.Objects == 0 {
			t.Errorf("%s: %d objects, problems %v, error %v", dir, report.Objects, report.Problems, err)
		}
	}
}

func TestSchemaOnly(t *testing.T) {
	dir := t.TempDir()
	route := "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec: {parentRefs: [{name: nowhere}]}\n"
	if err := os.WriteFile(filepath.Join(dir, "r.yaml"), []byte(route), 0o644); err != nil {
		t.Fatal(err)
	}
	for schemaOnly, want := range map[bool]bool{true: false, false: true} {
		report, err := validate.Directory(dir, validate.Options{SchemaOnly: schemaOnly, Now: time.Now()})
		if err != nil || report.Objects != 1 || manifests.HasErrors(report.Problems) != want {
			t.Errorf("schema only %v: %+v %v", schemaOnly, report, err)
		}
	}
}
