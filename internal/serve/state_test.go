package serve

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/store"
)

// programmed returns the Gateway of a server when it is Programmed, with that condition.
func (r *running) programmed(t *testing.T, name string) (store.Entry, metav1.Condition) {
	t.Helper()
	ref := store.Ref{Cluster: "default", Kind: kind.Gateway, Namespace: "default", Name: name}
	var entry store.Entry
	var found metav1.Condition
	eventually(t, "Gateway "+name+" is Programmed", func() bool {
		e := r.store.Snapshot().Get(ref)
		if e == nil || e.Written == nil {
			return false
		}
		status, _ := e.Written.Status.(*gatewayv1.GatewayStatus)
		for _, c := range status.Conditions {
			if c.Type == "Programmed" && c.Status == metav1.ConditionTrue && c.ObservedGeneration == e.Object.GetGeneration() {
				entry, found = *e, c
				return true
			}
		}
		return false
	})
	return entry, found
}

// later is the clock of a process that starts after the restart.
func later() time.Time { return time.Now().Add(time.Hour) }

func sameTime(a, b metav1.Time) bool { return a.Time.Equal(b.Time) }

// bad is a route rule that cannot be used.
const bad = `rules: [{matches: [{path: {type: RegularExpression, value: "/user/(?=x)"}}], backendRefs: [{name: app, port: 80}]}]`

// TestARestartChangesNothing breaks a route, restarts, and wants its last good version to serve on; times and generations
// go on.
func TestARestartChangesNothing(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "restart")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	r.url(t)
	r.write(t, "app.yaml", strings.Replace(good, "port: 8082", "port: 8085", 1))
	eventually(t, "generation 2", func() bool {
		e, _ := r.programmed(t, "restart")
		return e.Object.GetGeneration() == 2
	})
	before, condition := r.programmed(t, "restart")
	r.write(t, "app.yaml", strings.Replace(strings.Replace(good, "port: 8082", "port: 8085", 1), "rules: [{backendRefs: [{name: app, port: 80}]}]", bad, 1))
	eventually(t, "the broken rule is told", func() bool { return strings.Contains(r.out.String(), "HTTPRoute default/app: ") })
	url := r.url(t)
	r.end(t)

	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	after, same := again.programmed(t, "restart")
	if got := again.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	eventually(t, "the address is printed", func() bool {
		return strings.Contains(again.out.String(), "\nGateway default/restart, listener http\n  us-west1         "+strings.TrimSuffix(url, "/")+"\n")
	})
	if after.Object.GetGeneration() != before.Object.GetGeneration() || !sameTime(after.Object.GetCreationTimestamp(), before.Object.GetCreationTimestamp()) {
		t.Errorf("generation %d, created %v; were %d, %v", after.Object.GetGeneration(), after.Object.GetCreationTimestamp(),
			before.Object.GetGeneration(), before.Object.GetCreationTimestamp())
	}
	if !sameTime(same.LastTransitionTime, condition.LastTransitionTime) {
		t.Errorf("the condition was %+v, is %+v", condition, same)
	}
	again.write(t, "app.yaml", good)
	eventually(t, "generation 3", func() bool {
		e, _ := again.programmed(t, "restart")
		return e.Object.GetGeneration() == 3
	})
}

// TestABrokenFileKeepsItsObjectsOverARestart has a file that no longer parses when the next process starts.
func TestABrokenFileKeepsItsObjectsOverARestart(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "kept")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	url := r.url(t)
	r.end(t)
	r.write(t, "app.yaml", good+"\n  this: [is no YAML\n")
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	if got := again.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	if !strings.Contains(again.out.String(), "broken and empty files keep what they last held") {
		t.Error("nobody is told")
	}
	again.write(t, "app.yaml", "# nothing\n")
	eventually(t, "the mended file counts", func() bool { return len(again.source.URLs()) == 0 })
}

// TestAnEmptyFileKeepsItsObjectsOverARestart has a file that somebody was about to write when the process ended: it is what
// it last held, as it would be without the restart, until it is written or deleted.
func TestAnEmptyFileKeepsItsObjectsOverARestart(t *testing.T) {
	good := strings.ReplaceAll(app, "NAME", "emptied")
	r := start(t, map[string]string{"app.yaml": good}, time.Second)
	url := r.url(t)
	r.end(t)
	r.write(t, "app.yaml", "\n")
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	if got := again.url(t); got != url {
		t.Errorf("served at %s, was at %s", got, url)
	}
	if out := again.out.String(); !strings.Contains(out, "app.yaml: note: the file is empty") || !strings.Contains(out, "keep what they last held") {
		t.Error("nobody is told")
	}
	if err := os.Remove(filepath.Join(again.dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the deletion counts", func() bool { return len(again.source.URLs()) == 0 })
}

// TestWhatWasDeletedStaysDeleted has a file that goes while nothing runs, and comes back broken: what it once held is gone.
func TestWhatWasDeletedStaysDeleted(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "deleted")}, time.Second)
	r.url(t)
	r.end(t)
	if err := os.Remove(filepath.Join(r.dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	eventually(t, "it runs", func() bool { return strings.Contains(again.out.String(), "waiting for YAML files") })
	again.write(t, "app.yaml", "this: [is no YAML\n")
	eventually(t, "the file is told of", func() bool { return strings.Contains(again.out.String(), "app.yaml:") })
	if n := len(again.store.Snapshot().List(kind.Gateway, "", "")); n > 0 {
		t.Error("a Gateway that was deleted is back")
	}
}

// TestWhatIsMadeAgainIsAnotherObject deletes one of two objects while nothing runs and makes it again later: its age, generation
// and status begin anew.
func TestWhatIsMadeAgainIsAnotherObject(t *testing.T) {
	at := func(day int) time.Time { return time.Date(2026, 1, day, 0, 0, 0, 0, time.UTC) }
	service := func(name string, port int) string {
		return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: %d}]}\n", name, port)
	}
	first, loader := store.New(), manifests.NewLoader()
	for day := 1; day <= 2; day++ {
		delta := loader.Load([]manifests.Event{{Path: "a.yaml", Data: []byte(service("a", day) + "---\n" + service("b", day)), ModTime: at(day)}}, at(day))
		first.Commit(func(tx *store.Tx) {
			delta.Apply(tx)
			for _, u := range delta.Upserts {
				tx.Write(store.RefTo(u.Cluster, u.Object), &store.Written{Annotations: map[string]string{"said": "so"}})
			}
		})
	}
	s, r := store.New(), newRestorer(&persist.State{Objects: persist.Of(first.Snapshot(), at(2), isKept)})
	loader = manifests.NewLoader()
	for i, text := range []string{service("a", 2), service("a", 2) + "---\n" + service("b", 2)} {
		delta := loader.Load([]manifests.Event{{Path: "a.yaml", Data: []byte(text), ModTime: at(3 + i)}}, at(3+i))
		s.Commit(func(tx *store.Tx) { r.apply(tx, &delta, i == 0) })
	}
	for name, want := range map[string]struct {
		generation int64
		created    time.Time
		said       bool
	}{"a": {2, at(1), true}, "b": {0, at(4), false}} {
		e := s.Snapshot().Get(store.Ref{Cluster: "default", Kind: kind.Service, Namespace: "default", Name: name})
		if o := e.Object; o.GetGeneration() != 0 && o.GetGeneration() != want.generation || !o.GetCreationTimestamp().Time.Equal(want.created) || (e.Written != nil) != want.said {
			t.Errorf("%s: generation %d, created %v, said %+v", name, o.GetGeneration(), o.GetCreationTimestamp(), e.Written)
		}
	}
	if len(r.was) > 0 {
		t.Errorf("%d objects are still compared", len(r.was))
	}
}

// TestADuplicateIsNoBrokenFile has a file with an object that another file has too when the next process starts: it is
// read, so what it held before and does not hold any more is gone.
func TestADuplicateIsNoBrokenFile(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "twice")}, time.Second)
	r.url(t)
	r.end(t)
	account := "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\n"
	r.write(t, "a.yaml", account)
	r.write(t, "app.yaml", account)
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	eventually(t, "the duplicate is told", func() bool { return strings.Contains(again.out.String(), "DuplicateObject") })
	if n := len(again.store.Snapshot().List(kind.Gateway, "", "")); n > 0 {
		t.Error("a Gateway that was deleted is back")
	}
}

// TestAKilledProcessHasKeptItsState reads the state while the process runs: what a kill would leave.
func TestAKilledProcessHasKeptItsState(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "killed")}, time.Second)
	r.url(t)
	_, condition := r.programmed(t, "killed")
	left := filepath.Join(filepath.Dir(r.dir), "left")
	eventually(t, "the state is kept", func() bool {
		b, err := os.ReadFile(r.state)
		if err != nil || os.WriteFile(left, b, 0o600) != nil {
			return false
		}
		k := newKeeper(left, store.New(), r.report, time.Now)
		for _, o := range k.load().Objects {
			if status, ok := o.Object.(*gatewayv1.Gateway); ok && status.Name == "killed" && o.Written != nil {
				return true
			}
		}
		return false
	})
	if info, err := os.Stat(r.state); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the state is readable by others: %v, %v", info.Mode(), err)
	}
	r.end(t)
	if err := os.Rename(left, r.state); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	if _, same := again.programmed(t, "killed"); !sameTime(same.LastTransitionTime, condition.LastTransitionTime) {
		t.Errorf("the condition was %+v, is %+v", condition, same)
	}
}

func TestABrokenStateIsToldAndIgnored(t *testing.T) {
	r := start(t, map[string]string{"app.yaml": strings.ReplaceAll(app, "NAME", "garbage")}, time.Second)
	r.url(t)
	r.end(t)
	if err := os.WriteFile(r.state, []byte("spillway-state 1 cut off"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := startIn(t, filepath.Dir(r.dir), time.Second, later)
	if code, _, err := get(again.url(t) + "/health"); err != nil || code != http.StatusOK {
		t.Errorf("%d, %v", code, err)
	}
	if !strings.Contains(again.out.String(), "starting without it") {
		t.Error("nobody is told")
	}
}

func TestStatePath(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/state")
	a, b := StatePath("/home/x/demo"), StatePath("/home/y/demo")
	if a == b || !strings.HasPrefix(a, "/state/spillway/demo-") || !strings.HasSuffix(a, ".state") {
		t.Errorf("%s and %s", a, b)
	}
	t.Setenv("XDG_STATE_HOME", "relative")
	t.Setenv("HOME", "/home/z")
	if got := StatePath("/d"); !strings.HasPrefix(got, "/home/z/.local/state/spillway/d-") {
		t.Error(got)
	}
}

// TestADeletedGatewayGoes deletes a file, and brings it back: its Gateway is there with a finalizer, gone, and there again.
func TestADeletedGatewayGoes(t *testing.T) {
	text := strings.ReplaceAll(app, "NAME", "leaving")
	r := start(t, map[string]string{"app.yaml": text}, time.Second)
	e, _ := r.programmed(t, "leaving")
	if len(e.Written.Finalizers) != 1 {
		t.Errorf("finalizers are %q", e.Written.Finalizers)
	}
	if err := os.Remove(filepath.Join(r.dir, "app.yaml")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is gone", func() bool { return r.store.Snapshot().Get(e.Ref) == nil })
	if urls := r.source.URLs(); len(urls) > 0 {
		t.Errorf("%v is served", urls)
	}
	r.write(t, "app.yaml", text)
	r.programmed(t, "leaving")
}
