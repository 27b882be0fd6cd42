package manifests

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/spillway-lb/spillway/internal/store"
)

var update = flag.Bool("update", false, "write what is wanted into the testdata")

// TestScenarios runs testdata/scenarios: the sections of a file are "STEP PATH" and hold what the file says from that
// step on; "(gone)" removes it. The section "want" shows each step's delta.
func TestScenarios(t *testing.T) {
	names, err := filepath.Glob("testdata/scenarios/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			loader := NewLoader()
			if _, namespace, ok := strings.Cut(string(archive.Comment), "namespace: "); ok {
				loader.Namespace = strings.TrimSpace(namespace)
			}
			var got bytes.Buffer
			for i, events := range scenarioSteps(t, archive) {
				fmt.Fprintf(&got, "step %d\n", i+1)
				printDelta(&got, loader.Load(events, time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)))
			}
			compareWant(t, name, archive, got.String())
		})
	}
}

func scenarioSteps(t *testing.T, archive *txtar.Archive) [][]Event {
	t.Helper()
	var steps [][]Event
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		number, file, _ := strings.Cut(f.Name, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(steps)+1 {
			t.Fatalf("section %q", f.Name)
		}
		if n > len(steps) {
			steps = append(steps, nil)
		}
		e := Event{Path: file, ModTime: time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)}
		switch text := strings.TrimSpace(string(f.Data)); {
		case text == "(gone)":
			e.Gone = true
		case text == "(unreadable)":
			e.Failure = &Failure{Rule: RuleUnreadable, Message: "permission denied"}
		default:
			e.Data = f.Data
		}
		steps[n-1] = append(steps[n-1], e)
	}
	return steps
}

func printDelta(w *bytes.Buffer, d Delta) {
	for _, u := range d.Upserts {
		kind := u.Object.GetObjectKind().GroupVersionKind().Kind
		fmt.Fprintf(w, "  + %s %s generation=%d created=%s from %s\n", cmp.Or(u.Cluster, "-"),
			objectName(kind, u.Object.GetNamespace(), u.Object.GetName()), u.Object.GetGeneration(),
			u.Object.GetCreationTimestamp().UTC().Format("2006-01-02"), u.Origin)
	}
	for _, r := range d.Deletes {
		fmt.Fprintf(w, "  - %s %s\n", cmp.Or(r.Cluster, "-"), objectName(r.Kind, r.Namespace, r.Name))
	}
	for _, p := range d.Problems {
		fmt.Fprintf(w, "  ! %s\n", p)
	}
	for _, p := range d.Solved {
		fmt.Fprintf(w, "  ok %s\n", p)
	}
}

func compareWant(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	i := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
	if *update {
		if i < 0 {
			archive.Files = append(archive.Files, txtar.File{Name: "want"})
			i = len(archive.Files) - 1
		}
		archive.Files[i].Data = []byte(got)
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if i < 0 || string(archive.Files[i].Data) != got {
		t.Errorf("%s: run with -update and look at the difference; got:\n%s", name, got)
	}
}

func TestApply(t *testing.T) {
	loader, objects := NewLoader(), store.New()
	web := []byte("apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: store}\nspec: {ports: [{port: 80}]}\n")
	first := loader.Load([]Event{{Path: "web.yaml", Data: web}}, epoch)
	objects.Commit(first.Apply)
	ref := store.Ref{Cluster: "default", Kind: "Service", Namespace: "store", Name: "web"}
	entry := objects.Snapshot().Get(ref)
	if entry == nil || entry.Origin != "web.yaml:1" || entry.Object.GetUID() != uidOf(ref) {
		t.Fatalf("%+v", entry)
	}
	second := loader.Load([]Event{{Path: "web.yaml", Gone: true}}, epoch)
	objects.Commit(second.Apply)
	if objects.Snapshot().Get(ref) != nil || len(objects.Snapshot().List("Namespace", "default", "")) != 1 {
		t.Error("something is left")
	}
}
