package gateway_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

var update = flag.Bool("update", false, "write what is wanted into the testdata")

// TestScenarios runs testdata/*.txtar. The sections of a file are "STEP PATH" and hold what a manifest says from that
// step on; "(gone)" removes it. The comment above them may have lines "show: WORD...", which choose what the section
// "want" shows of each step:
//
//	KIND            lb resources by the name of their oneof field, such as route_rule
//	status          statuses, as YAML, without the deprecated conditions
//	status!         statuses with all conditions
//	annotations, finalizers, events
//	object          objects that are made
//	owners          with resources, the objects that they were made for
//
// "only: NAME..." keeps the writes on objects of these names. "unusable: ADDRESS..." are addresses that the host does not
// have. The data planes take everything at once, but those of "slow: LOCATION..." nothing, and those of "unbound: PORT..."
// listen on none of these ports, those of "taken: PORT..." on others in their place, and all refuse resources of the kinds "refuses: KIND...".
// "leaves: gke" has the classes of GKE's controller left to it.
func TestScenarios(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) { runScenario(t, name) })
	}
}

func runScenario(t *testing.T, name string) {
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	w := newScenarioWorld(t, string(archive.Comment))
	var got bytes.Buffer
	steps := scenarioSteps(t, archive)
	for i, events := range steps {
		if len(steps) > 1 {
			fmt.Fprintf(&got, "# step %d\n", i+1)
		}
		w.step(events)
		w.print(&got)
	}
	compareWant(t, name, archive, withoutHashes(got.String()))
}

// withoutHashes takes those of certificates out, which are new in every run, and when they expire.
func withoutHashes(text string) string {
	text = regexp.MustCompile(`expireTime: "[^"]+"`).ReplaceAllString(text, "expireTime: TIME")
	return regexp.MustCompile(`(k8s2-cr-[0-9a-z]{8}-[0-9a-z]{16})-[0-9a-f]{16}`).ReplaceAllString(text, "$1-HASH")
}

// world is the control plane of one scenario.
type world struct {
	t      *testing.T
	loader *manifests.Loader
	store  *store.Store
	sub    *store.Subscription
	engine *recompute.Engine
	planes *fakePlanes
	writes map[string]recompute.WriteChange
	show   map[string]bool
	only   map[string]bool
}

func newScenarioWorld(t *testing.T, comment string) *world {
	w := &world{
		t: t, loader: manifests.NewLoader(), store: store.New(translate.Indexes()...), planes: newFakePlanes(),
		writes: map[string]recompute.WriteChange{}, show: map[string]bool{}, only: map[string]bool{},
	}
	unusable, leaves := map[string]bool{}, map[string]bool{}
	w.engine = recompute.New(translate.Config(translate.Options{Traffic: translate.Proximity()}))
	w.sub = w.store.Subscribe()
	for line := range strings.Lines(comment) {
		for prefix, set := range map[string]map[string]bool{
			"show:": w.show, "only:": w.only, "unusable:": unusable, "leaves:": leaves, "slow:": w.planes.slow, "unbound:": w.planes.unbound, "taken:": w.planes.taken, "refuses:": w.planes.refuses,
		} {
			if words, ok := strings.CutPrefix(strings.TrimSpace(line), prefix); ok {
				for _, word := range strings.Fields(words) {
					set[word] = true
				}
			}
		}
	}
	w.store.Commit(func(tx *store.Tx) {
		if leaves["gke"] {
			tx.SetFact(fact.GKEClasses(), false)
		}
		for address := range unusable {
			tx.SetFact(fact.HostAddress(netip.MustParseAddr(address)), false)
		}
	})
	if len(w.show) == 0 {
		t.Fatal("the comment has no line show:")
	}
	return w
}

// step takes files, and runs rounds until the data planes have nothing new to say.
func (w *world) step(events []manifests.Event) {
	w.t.Helper()
	delta := w.loader.Load(events, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	if manifests.HasErrors(delta.Problems) {
		w.t.Fatal(delta.Problems)
	}
	w.store.Commit(func(tx *store.Tx) { delta.Apply(tx) })
	for range 10 {
		snapshot, touched := w.sub.Take()
		if len(touched) == 0 {
			return
		}
		w.round(snapshot, touched)
	}
	w.t.Fatal("the rounds do not end")
}

func (w *world) round(snapshot *store.Snapshot, touched []string) {
	round := w.engine.Run(snapshot, touched)
	for _, p := range round.Problems {
		w.t.Errorf("problem: %v", p)
	}
	for _, c := range round.Writes {
		key := c.Ref.String() + " " + string(c.Part) + " " + c.Key
		if c.Part == recompute.PartFinalizers {
			w.finalize(c)
		}
		if c.Removed {
			delete(w.writes, key)
			continue
		}
		w.writes[key] = c
	}
	changes, refusals := w.planes.take(snapshot, round.Tx)
	if len(refusals) > 0 {
		w.t.Errorf("the proxy refuses %v", refusals)
	}
	w.store.Commit(func(tx *store.Tx) {
		for _, c := range changes {
			tx.SetFact(c.Fact, c.Value)
		}
	})
}

// finalize writes finalizers into the store, so that deletions wait for them.
func (w *world) finalize(c recompute.WriteChange) {
	names, _ := c.Value.([]string)
	w.store.Commit(func(tx *store.Tx) { tx.Write(c.Ref, &store.Written{Finalizers: names}) })
}

func (w *world) print(out *bytes.Buffer) {
	for _, r := range w.engine.Resources() {
		if w.show[lbv1.KeyOf(r).GetKind()] {
			printResource(w.t, out, r, w.show["owners"])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.writes)) {
		w.printWrite(out, w.writes[key])
	}
}

func printResource(t *testing.T, out *bytes.Buffer, r *lbv1.Resource, owners bool) {
	text, err := protojson.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	delete(plain, "name")
	fmt.Fprintf(out, "%s %s\n", lbv1.KeyOf(r).GetKind(), r.GetName())
	for _, body := range plain {
		if redact(body); !owners {
			delete(body.(map[string]any), "owner")
		}
		printYAML(t, out, body)
	}
}

// redact shortens what differs from run to run or says nothing: PEM.
func redact(body any) {
	object, _ := body.(map[string]any)
	for _, key := range []string{"certificateChainPem", "privateKeyPem", "caPem"} {
		if _, ok := object[key]; ok {
			object[key] = "(PEM)"
		}
	}
}

func printYAML(t *testing.T, out *bytes.Buffer, value any) {
	text, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		out.WriteString("  " + strings.TrimRight(line, " \n") + "\n")
	}
}

func (w *world) printWrite(out *bytes.Buffer, c recompute.WriteChange) {
	if len(w.only) > 0 && !w.only[c.Ref.Name] {
		return
	}
	kind, _, _ := strings.Cut(c.Ref.Kind, ".")
	head := fmt.Sprintf("%s of %s %s %s/%s\n", c.Part, c.Ref.Cluster, kind, c.Ref.Namespace, c.Ref.Name)
	switch {
	case c.Part == recompute.PartStatus && (w.show["status"] || w.show["status!"]):
		out.WriteString(head)
		printStatus(w.t, out, c.Value, w.show["status!"])
	case c.Part == recompute.PartAnnotations && w.show["annotations"], c.Part == recompute.PartFinalizers && w.show["finalizers"]:
		out.WriteString(head)
		printYAML(w.t, out, c.Value)
	case c.Part == recompute.PartObject && w.show["object"]:
		out.WriteString(head)
		printYAML(w.t, out, c.Value)
	case c.Part == recompute.PartEvent && w.show["events"]:
		e := c.Value.(recompute.Event)
		fmt.Fprintf(out, "event of %s %s %s/%s: %s %s %s %s\n", c.Ref.Cluster, kind, c.Ref.Namespace, c.Ref.Name, e.Type, e.Reason, e.Source, e.Message)
	}
}

// printStatus shows each condition on one line; without all, it leaves out those that GKE deprecates or that repeat
// others.
func printStatus(t *testing.T, out *bytes.Buffer, status any, all bool) {
	text, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	shortenConditions(plain, all)
	printYAML(t, out, plain)
}

func shortenConditions(value any, all bool) {
	switch v := value.(type) {
	case map[string]any:
		if list, ok := v["conditions"].([]any); ok {
			var lines []any
			for _, item := range list {
				c := item.(map[string]any)
				if !all && repeats(c["type"].(string)) {
					continue
				}
				line := fmt.Sprintf("%v=%v/%v@%v %v", c["type"], c["status"], c["reason"], c["observedGeneration"], c["message"])
				lines = append(lines, strings.TrimSpace(line))
			}
			v["conditions"] = lines
		}
		for _, inner := range v {
			shortenConditions(inner, all)
		}
	case []any:
		for _, inner := range v {
			shortenConditions(inner, all)
		}
	}
}

// repeats tells of a type of condition that follows from others.
func repeats(kind string) bool {
	switch kind {
	case "Scheduled", "Ready", "networking.gke.io/GatewayHealthy", "Reconciled", "Detached":
		return true
	}
	return false
}

func scenarioSteps(t *testing.T, archive *txtar.Archive) [][]manifests.Event {
	t.Helper()
	var steps [][]manifests.Event
	for _, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		number, path, _ := strings.Cut(f.Name, " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > len(steps)+1 {
			t.Fatalf("section %q", f.Name)
		}
		if n > len(steps) {
			steps = append(steps, nil)
		}
		data := withCertificates(f.Data)
		e := manifests.Event{Path: path, Data: data, ModTime: time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC)}
		e.Gone = strings.TrimSpace(string(f.Data)) == "(gone)"
		steps[n-1] = append(steps[n-1], e)
	}
	return steps
}

func compareWant(t *testing.T, name string, archive *txtar.Archive, got string) {
	t.Helper()
	want := -1
	for i, f := range archive.Files {
		if f.Name == "want" {
			want = i
		}
	}
	if want < 0 {
		archive.Files = append(archive.Files, txtar.File{Name: "want"})
		want = len(archive.Files) - 1
	}
	if string(archive.Files[want].Data) == got {
		return
	}
	if !*update {
		t.Errorf("got:\n%s\nwant:\n%s\n(go test ./internal/gateway -update accepts it)", got, archive.Files[want].Data)
		return
	}
	archive.Files[want].Data = []byte(got)
	if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
