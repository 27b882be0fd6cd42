package controller

import (
	"bytes"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/neg/readiness"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

var update = flag.Bool("update", false, "write what is wanted into the testdata")

// TestScenarios runs testdata/*.txtar. The sections of a file are "STEP PATH" and hold what a manifest says from that step on;
// "(gone)" removes it. A section "STEP do" has commands, one a line, that come after the files of the step:
//
//	wait DURATION            the clock goes on
//	healthy ADDRESS...       every check finds these endpoints healthy, and no others
//	delete ZONE NAME         somebody deletes a group by hand
//	slow                     proxies take no round any more: what is written about it waits
//	settled                  they take them all
//	pending CLUSTER KIND     a list of the kind is on its way; - is no cluster
//	listed CLUSTER KIND      it is there
//	restart                  the process ends and another one goes on with what was published
//
// The section "want" shows after each step the groups with their endpoints, the annotations of Services, the objects, the
// readiness gates of Pods, and the events that are new.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runScenario(t, file) })
	}
}

func runScenario(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	var got bytes.Buffer
	want := ""
	step := ""
	flush := func() {
		if step != "" {
			w.settle()
			fmt.Fprintf(&got, "# step %s\n", step)
			w.print(&got)
		}
	}
	for _, f := range archive.Files {
		number, path, _ := strings.Cut(f.Name, " ")
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		if number != step {
			flush()
			step = number
		}
		if path == "do" {
			w.settle()
			w.do(string(f.Data), &got)
			continue
		}
		w.load(path, f.Data)
	}
	flush()
	if got.String() == want {
		return
	}
	if !*update {
		t.Errorf("got:\n%s\nwant:\n%s\n(go test ./internal/neg/controller -update accepts it)", got.String(), want)
		return
	}
	archive.Files = append(slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" }), txtar.File{Name: "want", Data: got.Bytes()})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// world is a control plane with a clock of its own, and no data plane.
type world struct {
	t      *testing.T
	now    time.Time
	loader *manifests.Loader
	store  *store.Store
	model  *view.Model
	engine *recompute.Engine
	rounds *store.Subscription
	own    *store.Subscription
	negs   *Controller
	seen   map[string]int32
	random float64
	// slow: writes wait.
	slow    bool
	waiting []waiting
}

// waiting is what is held back of a round until proxies have it.
type waiting struct {
	writes  []recompute.WriteChange
	touched []string
}

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), loader: manifests.NewLoader(), store: store.New(translate.Indexes()...),
		seen: map[string]int32{},
	}
	w.start(nil, 0)
	return w
}

func (w *world) start(published map[recompute.ID]recompute.Published, seq uint64) {
	w.model = view.NewModel()
	for _, unit := range published {
		w.model.Apply(&lbv1.Transaction{Seq: seq, Upserts: unit.Resources})
	}
	writer := status.NewWriter(w.store, status.Limits{})
	w.negs = New(Options{
		Store: w.store, Writer: writer, Model: w.model, Published: published,
		Now: func() time.Time { return w.now }, Random: func() float64 { return w.random },
	})
	config := translate.Config(translate.Options{Traffic: translate.Proximity()})
	config.Published, config.Seq = published, seq
	w.engine = recompute.New(config)
	w.rounds, w.own = w.store.Subscribe(), w.store.Subscribe()
}

func (w *world) load(path string, data []byte) {
	w.t.Helper()
	e := manifests.Event{Path: path, Data: data, ModTime: w.now, Gone: strings.TrimSpace(string(data)) == "(gone)"}
	delta := w.loader.Load([]manifests.Event{e}, w.now)
	if manifests.HasErrors(delta.Problems) {
		w.t.Fatal(delta.Problems)
	}
	w.store.Commit(func(tx *store.Tx) { delta.Apply(tx) })
}

// settle runs rounds and steps until nothing changes.
func (w *world) settle() {
	w.t.Helper()
	for range 20 {
		snapshot, touched := w.rounds.Take()
		own, ownTouched := w.own.Take()
		if len(touched) == 0 && len(ownTouched) == 0 {
			return
		}
		round := w.engine.Run(snapshot, touched)
		for _, p := range round.Problems {
			w.t.Errorf("problem: %v", p)
		}
		if round.Tx != nil {
			w.model.Apply(round.Tx)
		}
		w.waiting = append(w.waiting, waiting{round.Writes, touched})
		w.release()
		w.negs.Step(own, ownTouched)
	}
	w.t.Fatal("the rounds do not end")
}

// release applies what was held back, unless proxies are slow.
func (w *world) release() {
	if w.slow {
		return
	}
	for _, r := range w.waiting {
		w.negs.Apply(r.writes, r.touched, w.now)
	}
	w.waiting = nil
}

func (w *world) do(commands string, out *bytes.Buffer) {
	w.t.Helper()
	for line := range strings.Lines(commands) {
		words := strings.Fields(line)
		switch words[0] {
		case "wait":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				w.t.Fatal(err)
			}
			w.now = w.now.Add(d)
			snapshot, touched := w.own.Take()
			w.negs.Step(snapshot, touched)
		case "healthy":
			w.healthy(words[1:])
		case "delete":
			fmt.Fprintf(out, "delete %s %s: %v\n", words[1], words[2], w.negs.Delete(words[1], words[2]))
		case "slow", "settled":
			w.slow = words[0] == "slow"
			w.release()
		case "pending", "listed":
			cluster := strings.TrimPrefix(words[1], "-")
			w.store.Commit(func(tx *store.Tx) { tx.SetFact(fact.Listed(cluster, words[2]), words[0] == "listed") })
		case "restart":
			seq, published := w.engine.Published()
			for _, f := range []string{fact.KindDegraded, fact.KindSynced, fact.KindCollected, fact.KindOrphan} {
				w.store.Commit(func(tx *store.Tx) {
					for _, key := range tx.Facts(f) {
						tx.SetFact(store.Fact{Kind: f, Key: key}, nil)
					}
				})
			}
			w.start(published, seq)
		default:
			w.t.Fatalf("no command %q", words[0])
		}
		w.settle()
	}
}

// healthy makes verdicts of every health check on every endpoint of its backend services.
func (w *world) healthy(addresses []string) {
	w.store.Commit(func(tx *store.Tx) {
		for _, r := range w.model.Kind("backend_service") {
			check := r.GetBackendService().GetHealthCheck()
			if check == "" {
				continue
			}
			for _, s := range w.model.Kind("endpoint_shard") {
				for _, a := range neg.Addresses(s.GetEndpointShard().GetEndpoints()) {
					v := fact.Verdict{State: lbv1.HealthState_UNHEALTHY, Detail: "HTTP 404"}
					if slices.Contains(addresses, a) {
						v = fact.Verdict{State: lbv1.HealthState_HEALTHY}
					}
					tx.SetFact(fact.Health(fact.Probe{Location: "us-west1", Check: check, Endpoint: netip.MustParseAddrPort(a)}), v)
				}
			}
		}
	})
}

func (w *world) print(out *bytes.Buffer) {
	for _, r := range w.model.Kind("network_endpoint_group") {
		var endpoints []string
		for _, s := range w.model.Kind("endpoint_shard") {
			if s.GetEndpointShard().GetGroup() == r.GetName() {
				for _, e := range s.GetEndpointShard().GetEndpoints() {
					text := fmt.Sprintf("%s:%d", e.GetAddress(), e.GetPort())
					if e.GetInstance() != "" {
						text += "@" + e.GetInstance()
					}
					endpoints = append(endpoints, text)
				}
			}
		}
		fmt.Fprintf(out, "group %s: %s\n", r.GetName(), strings.Join(endpoints, " "))
	}
	snapshot := w.store.Snapshot()
	snapshot.Walk(kind.Service, "", "", func(e *store.Entry) bool {
		if e.Written != nil {
			for _, name := range []string{annotation.Name, annotation.Status} {
				if text := e.Written.Annotations[name]; text != "" {
					fmt.Fprintf(out, "Service %s/%s %s: %s\n", e.Ref.Namespace, e.Ref.Name, name, text)
				}
			}
		}
		return true
	})
	snapshot.Walk(kind.ServiceNetworkEndpointGroup, "", "", func(e *store.Entry) bool {
		fmt.Fprintf(out, "svcneg %s/%s%s\n", e.Ref.Namespace, e.Ref.Name, describe(e))
		return true
	})
	snapshot.Walk(kind.Pod, "", "", func(e *store.Entry) bool {
		if e.Written == nil {
			return true
		}
		if s, ok := e.Written.Status.(*corev1.PodStatus); ok {
			for _, c := range s.Conditions {
				if c.Type == readiness.Gate {
					fmt.Fprintf(out, "gate of %s/%s: %q %s %s\n", e.Ref.Namespace, e.Ref.Name, c.Status, c.Reason, c.Message)
				}
			}
		}
		return true
	})
	w.printEvents(out)
}

func describe(e *store.Entry) string {
	s, ok := e.Written.Status.(*negv1beta1.ServiceNetworkEndpointGroupStatus)
	if !ok {
		return ""
	}
	text := fmt.Sprintf(" of %s in %v synced %s", e.Object.GetLabels()["networking.gke.io/service-name"]+":"+e.Object.GetLabels()["networking.gke.io/service-port"],
		neg.ZonesOf(e.Written), s.LastSyncTime.UTC().Format(time.TimeOnly))
	if !slices.Contains(e.Object.GetFinalizers(), "networking.gke.io/neg-finalizer") {
		text += " without finalizer"
	}
	for _, c := range s.Conditions {
		text += fmt.Sprintf(" %s=%s/%s", c.Type, c.Status, c.Reason)
		if c.Message != "" {
			text += "(" + c.Message + ")"
		}
	}
	return text
}

// printEvents shows the events that have occurred since the last time, in the order of their names.
func (w *world) printEvents(out *bytes.Buffer) {
	w.store.Snapshot().Walk(kind.Event, "", "", func(e *store.Entry) bool {
		event := e.Object.(*corev1.Event)
		if more := event.Count - w.seen[e.Ref.String()]; more > 0 && strings.HasPrefix(event.Source.Component, "neg-") {
			w.seen[e.Ref.String()] = event.Count
			fmt.Fprintf(out, "%s %s %dx %s %s/%s: %s\n", event.Type, event.Reason, more, event.InvolvedObject.Kind, event.InvolvedObject.Namespace, event.InvolvedObject.Name, event.Message)
		}
		return true
	})
}
