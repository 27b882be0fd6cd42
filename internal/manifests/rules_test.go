package manifests

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillway-lb/spillway/internal/manifests/schema"
)

// TestRules runs testdata/rules: each section of a file is a manifest, and "want" says what is wrong with each, with
// line, column, field and rule.
func TestRules(t *testing.T) {
	names, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	registry := schema.NewRegistry()
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			for _, f := range archive.Files {
				if f.Name == "want" {
					continue
				}
				p := parse(registry, f.Name, f.Data)
				if strings.HasPrefix(f.Name, "valid") != (len(p.problems) == 0) || p.whole != (len(p.manifests) == 1) {
					t.Errorf("%s: %v", f.Name, p.problems)
				}
				for _, problem := range p.problems {
					fmt.Fprintln(&got, problem)
				}
			}
			compareWant(t, name, archive, got.String())
		})
	}
}

// TestEveryRuleHasACase looks for each CEL rule of each CRD in what the rules' cases say.
func TestEveryRuleHasACase(t *testing.T) {
	names, err := filepath.Glob("testdata/rules/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(data)
	}
	rules, err := schema.NewRegistry().Rules()
	if err != nil || len(rules) < 120 {
		t.Fatal(len(rules), err)
	}
	// Path types are an enum too, and the rules are not run on an object that breaks one.
	delete(rules, "type must be one of ['Exact', 'PathPrefix', 'RegularExpression']")
	for message := range rules {
		if !strings.Contains(seen.String(), message) {
			t.Errorf("no case for: %s", message)
		}
	}
}
