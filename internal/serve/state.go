package serve

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	negv1beta1 "github.com/spillway-lb/spillway/api/neg/v1beta1"
	"github.com/spillway-lb/spillway/internal/ads/replica"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/wholefile"
)

// StateNone keeps no state.
const StateNone = "none"

// maxStateAge is how old what was kept may be to count still.
const maxStateAge = 7 * 24 * time.Hour

// StatePath is where the state of a directory is kept: one file for each directory below $XDG_STATE_HOME/spillway, or
// ~/.local/state/spillway; "" if there is no home.
func StatePath(dir string) string {
	base := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		home, err := os.UserHomeDir()
		if err != nil || !filepath.IsAbs(home) {
			return ""
		}
		base = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(base, "spillway", filepath.Base(dir)+"-"+digest.Hex(dir, 12)+".state")
}

// keeper keeps what is to outlive the process: what is published, the objects of the files, and what was said of them.
type keeper struct {
	path   string // "" keeps nothing
	store  *store.Store
	report *reporter
	now    func() time.Time

	mu      sync.Mutex
	latest  published      // for other replicas
	next    *persist.State // to be saved
	saving  bool
	closed  bool
	done    *sync.Cond
	trouble string
}

func newKeeper(path string, s *store.Store, r *reporter, now func() time.Time) *keeper {
	if path == StateNone {
		path = ""
	}
	k := &keeper{path: path, store: s, report: r, now: now}
	k.done = sync.NewCond(&k.mu)
	return k
}

// load returns what an earlier process kept; what cannot be used is told, and counts as nothing.
func (k *keeper) load() *persist.State {
	if k.path == "" {
		return &persist.State{}
	}
	if err := wholefile.Clean(filepath.Dir(k.path), k.now()); err != nil {
		k.report.say("kept state: what a killed process left stays: %v", err)
	}
	state, err := persist.Load(k.path, k.limits())
	if err != nil {
		k.report.say("kept state: %v; starting without it", err)
	}
	return state
}

func (k *keeper) limits() persist.Limits {
	return persist.Limits{Now: k.now(), MaxAge: maxStateAge, New: newObject}
}

// newObject makes an object of a kind that is kept.
func newObject(apiVersion, name string) (store.Object, bool) {
	meta := metav1.TypeMeta{APIVersion: apiVersion, Kind: name}
	switch {
	case apiVersion == "v1" && name == kind.Event:
		return &corev1.Event{TypeMeta: meta}, true
	case apiVersion == negv1beta1.SchemeGroupVersion.String() && name == kind.Bare(kind.ServiceNetworkEndpointGroup):
		return &negv1beta1.ServiceNetworkEndpointGroup{TypeMeta: meta}, true
	}
	return schema.New(apiVersion, name)
}

// published is what the control plane has published.
type published struct {
	seq   uint64
	units map[recompute.ID]recompute.Published
}

// state is what is published with the objects as they are now.
func (k *keeper) state(p published) *persist.State {
	now := k.now()
	return &persist.State{SavedAt: now, Seq: p.seq, Units: p.units, Objects: persist.Of(k.store.Snapshot(), now, isKept)}
}

// encoded is what is kept, for a replica that starts. There is nothing before everything has been read once: half of it would be
// taken for the truth.
func (k *keeper) encoded() ([]byte, error) {
	k.mu.Lock()
	latest := k.latest
	k.mu.Unlock()
	if latest.units == nil {
		return nil, replica.ErrNothing
	}
	return persist.Encode(k.state(latest))
}

// keep saves what is published with the objects as they are now; if a save is under way, the newest follows it.
func (k *keeper) keep(seq uint64, units map[recompute.ID]recompute.Published) {
	k.mu.Lock()
	k.latest = published{seq, units}
	k.mu.Unlock()
	if k.path == "" {
		return
	}
	state := k.state(published{seq, units})
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return
	}
	k.next = state
	if !k.saving {
		k.saving = true
		go k.save()
	}
}

// isKept leaves out what is made anew from the rest, and what only waits for proxies, which end with this process.
func isKept(e *store.Entry) bool {
	if e.Object.GetDeletionTimestamp() != nil {
		return false
	}
	switch e.Origin {
	case implicit:
		return false
	case status.Origin:
		return livesOn(e.Ref)
	}
	return true
}

// livesOn tells what is derived and yet is not made anew from the rest: what was told, and where a Service has groups, which a zone
// without Nodes keeps, and the Service's deletion does not end.
func livesOn(ref store.Ref) bool {
	return ref.Kind == kind.Event || ref.Kind == kind.ServiceNetworkEndpointGroup
}

// save writes until nothing newer waits.
func (k *keeper) save() {
	for {
		k.mu.Lock()
		state := k.next
		k.next = nil
		if state == nil {
			k.saving = false
			k.done.Broadcast()
			k.mu.Unlock()
			return
		}
		k.mu.Unlock()
		trouble := ""
		if err := persist.Save(k.path, state); err != nil {
			trouble = err.Error()
		}
		if trouble != "" && trouble != k.trouble {
			k.report.say("state is not kept: %s", trouble)
		}
		k.trouble = trouble
	}
}

// close returns when everything that was kept is on disk; nothing is kept after that.
func (k *keeper) close() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	for k.saving {
		k.done.Wait()
	}
}

// inherited is all that was published, as one transaction; nil if that is nothing.
func inherited(s *persist.State) *lbv1.Transaction {
	tx := &lbv1.Transaction{Seq: s.Seq}
	for _, unit := range s.Units {
		tx.Upserts = append(tx.Upserts, unit.Resources...)
	}
	if len(tx.GetUpserts()) == 0 {
		return nil
	}
	return tx
}
