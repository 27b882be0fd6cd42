package rbac

import (
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/gateway"
	"github.com/spillway-lb/spillway/internal/ingress"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/outbox"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
	"github.com/spillway-lb/spillway/internal/view"
)

// world is a controller without data planes, whose clock a test moves.
type world struct {
	t      *testing.T
	now    time.Time
	files  *files
	server *server
	store  *store.Store
	model  *view.Model
	engine *recompute.Engine
	planes *planes
	negs   *controller.Controller
	core   *outbox.Core
	// rounds, own and written are what the engine, the groups' controller and the outbox have yet to see.
	rounds, own, written *store.Subscription
	// members: no cluster of the scenario is the config cluster, which stands beside them.
	members bool
	asked   func(*outbox.Op)
}

func newWorld(t *testing.T, f *files, members bool, asked func(*outbox.Op)) *world {
	s := store.New(translate.Indexes()...)
	s.Commit(func(tx *store.Tx) { tx.SetFact(fact.Allocating(), true) })
	w := &world{
		t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), files: f, store: s, server: newServer(t, s),
		model: view.NewModel(), members: members, asked: asked,
		engine: recompute.New(translate.Config(translate.Options{Traffic: translate.Proximity()})),
		core:   outbox.NewCore(outbox.Owner{Install: status.DefaultInstall, Controllers: fact.Controllers(s.Snapshot()), Finalizers: []string{gateway.Finalizer, ingress.Finalizer, neg.Finalizer}}, outbox.Limits{}),
		rounds: s.Subscribe(), own: s.Subscribe(), written: s.Subscribe(),
	}
	w.planes = newPlanes(w.model)
	w.negs = controller.New(controller.Options{
		Store: s, Writer: status.NewWriter(s, status.Limits{Controllers: fact.Controllers(s.Snapshot())}), Model: w.model,
		Now: func() time.Time { return w.now }, Random: func() float64 { return 0 },
	})
	return w
}

// play runs a scenario, deletes everything then, and lets it end.
func (w *world) play(archive *txtar.Archive) {
	if w.members {
		w.server.apply("config", &spillwayv1alpha1.Cluster{
			TypeMeta:   metav1.TypeMeta{APIVersion: spillwayv1alpha1.SchemeGroupVersion.String(), Kind: kind.Bare(kind.Cluster)},
			ObjectMeta: metav1.ObjectMeta{Name: "config"},
			Spec:       spillwayv1alpha1.ClusterSpec{ConfigCluster: true, Region: spillwayv1alpha1.DefaultRegion},
		})
	}
	step := ""
	for _, f := range archive.Files {
		number, path, ok := strings.Cut(f.Name, " ")
		if !ok {
			continue
		}
		if number != step {
			w.settle()
			step = number
		}
		if path != "do" {
			w.load(path, string(f.Data))
		}
	}
	w.settle()
	w.server.spoil()
	w.settle()
	for _, ref := range w.server.users() {
		if ref.Kind != kind.Cluster && ref.Kind != kind.Namespace {
			w.server.remove(ref)
		}
	}
	w.settle()
	w.files.clear()
}

func (w *world) load(path, data string) {
	w.t.Helper()
	delta := w.files.load(path, data) // what is wrong in a scenario is left out, as an API server would
	for _, u := range delta.Upserts {
		o := u.Object
		if c, ok := o.(*spillwayv1alpha1.Cluster); ok && w.members {
			c = c.DeepCopy()
			c.Spec.ConfigCluster = false
			o = c
		}
		w.server.apply(u.Cluster, o)
	}
	for _, ref := range delta.Deletes {
		w.server.remove(ref)
	}
}

// settle goes on until nobody has anything to do any more.
func (w *world) settle() {
	w.t.Helper()
	for range 300 {
		busy := w.round()
		if w.write() || busy {
			continue
		}
		at, ok := w.core.Due(w.now)
		if !ok || at.Sub(w.now) > time.Hour {
			return
		}
		w.now = at
	}
	w.t.Fatal("it does not come to rest")
}

// round translates what is new.
func (w *world) round() bool {
	snapshot, touched := w.rounds.Take()
	own, ownTouched := w.own.Take()
	if len(touched) == 0 && len(ownTouched) == 0 {
		return false
	}
	round := w.engine.Run(snapshot, touched)
	w.planes.take(w.store, snapshot, round.Tx)
	w.negs.Apply(round.Writes, touched, w.now)
	w.negs.Step(own, ownTouched)
	return true
}

// write has the outbox send what it wants to.
func (w *world) write() bool {
	snapshot, touched := w.written.Take()
	for _, read := range touched {
		for _, of := range []func(string) (store.Ref, bool){store.ObjectOf, store.StatusOf, store.WrittenOf} {
			if ref, ok := of(read); ok {
				w.core.Observe(ref, snapshot.Get(ref))
				break
			}
		}
	}
	ops := w.core.Next(w.now)
	for _, op := range ops {
		w.asked(op)
		w.core.Done(w.now, op, w.server.do(op))
	}
	return len(ops) > 0
}
