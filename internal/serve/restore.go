package serve

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// restorer joins what files say with what an earlier process knew: generations go on, creation times and what was said of
// an object stay, and a file that is broken at the start keeps the objects that it last held.
type restorer struct {
	// was are the objects of the earlier process that files have not been compared with yet.
	was map[store.Ref]*persist.Object
	// generations are what the loader's count, which begins at 1, has to be raised by; created the creation times.
	generations map[store.Ref]int64
	created     map[store.Ref]metav1.Time
	// broken counts the errors of each file, unread are those of the start that are still to be read; lastKnown are the
	// objects that stand in for what such a file holds.
	broken    map[string]int
	unread    unreadFiles
	lastKnown map[string][]store.Ref
}

func newRestorer(s *persist.State) *restorer {
	r := &restorer{
		was: map[store.Ref]*persist.Object{}, generations: map[store.Ref]int64{}, created: map[store.Ref]metav1.Time{},
		broken: map[string]int{}, unread: unreadFiles{}, lastKnown: map[string][]store.Ref{},
	}
	for i := range s.Objects {
		r.was[s.Objects[i].Ref()] = &s.Objects[i]
	}
	return r
}

// apply commits a delta. The first one brings back what belongs to it.
func (r *restorer) apply(tx *store.Tx, delta *manifests.Delta, first bool) {
	said := map[store.Ref]*store.Written{}
	for i := range delta.Upserts {
		u := &delta.Upserts[i]
		ref := store.RefTo(u.Cluster, u.Object)
		if was := r.was[ref]; was != nil {
			r.compare(ref, u.Object, was)
			said[ref] = was.Written
			delete(r.was, ref)
		}
		u.Object = r.aged(ref, u.Object)
	}
	for _, ref := range delta.Deletes {
		delete(r.generations, ref)
		delete(r.created, ref)
	}
	delta.Apply(tx)
	for ref, written := range said {
		if written != nil && tx.Get(ref).Written == nil {
			tx.Write(ref, written)
		}
	}
	r.countErrors(delta)
	r.unread.apply(tx, delta)
	if first {
		r.standIn(tx)
		r.bringDerived(tx)
	}
	r.standDown(tx)
	r.forget()
}

// forget drops what is not to come any more: what the files of the start are known not to hold was deleted, and whoever makes
// it again makes another object.
func (r *restorer) forget() {
	for ref, was := range r.was {
		if !r.unknown(fileOf(was.Origin)) {
			delete(r.was, ref)
		}
	}
}

// compare works out how an object's generation and creation time go on.
func (r *restorer) compare(ref store.Ref, now store.Object, was *persist.Object) {
	if created := was.Object.GetCreationTimestamp(); !created.IsZero() {
		r.created[ref] = created
	}
	raise := was.Object.GetGeneration() - now.GetGeneration()
	if !sameContent(now, was.Object) {
		raise++
	}
	if now.GetGeneration() > 0 && raise > 0 {
		r.generations[ref] = raise
	}
}

// aged is the object with the generation and creation time that it would have had without the restart.
func (r *restorer) aged(ref store.Ref, o store.Object) store.Object {
	raise := r.generations[ref]
	created, known := r.created[ref]
	if raise == 0 && !known {
		return o
	}
	copied, ok := o.DeepCopyObject().(store.Object)
	if !ok {
		return o
	}
	if raise > 0 {
		copied.SetGeneration(copied.GetGeneration() + raise)
	}
	if known {
		copied.SetCreationTimestamp(created)
	}
	return copied
}

// sameContent compares what generations count: all but metadata and status.
func sameContent(a, b store.Object) bool {
	x, errX := contentOf(a)
	y, errY := contentOf(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func contentOf(o store.Object) ([]byte, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	delete(fields, "metadata")
	delete(fields, "status")
	return json.Marshal(fields)
}

// countErrors keeps count of what is wrong with each file, as far as it keeps the file's objects from being read. An empty
// file is one that somebody is about to write.
func (r *restorer) countErrors(delta *manifests.Delta) {
	count := func(problems []manifests.Problem, n int) {
		for _, p := range problems {
			if p.Severity == manifests.Error && p.Rule != manifests.RuleDuplicateObject || p.Rule == manifests.RuleEmpty {
				r.broken[p.File] += n
			}
		}
	}
	count(delta.Problems, 1)
	count(delta.Solved, -1)
}

// unknown says that it is not known what a file holds now: it is broken or still to be read, or the cluster.yaml of a
// folder around it is, so that its objects have no cluster.
func (r *restorer) unknown(file string) bool {
	missing := func(file string) bool {
		_, unread := r.unread[file]
		return unread || r.broken[file] > 0
	}
	if missing(file) {
		return true
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if missing(path.Join(dir, manifests.ClusterFile)) {
			return true
		}
	}
	return false
}

// standIn puts the objects that files last held that nobody can read at the start into the store. Later on nothing does:
// what was not there at the start was deleted, and a file of its name that breaks is another one.
func (r *restorer) standIn(tx *store.Tx) {
	for ref, was := range r.was {
		if file := fileOf(was.Origin); r.unknown(file) && tx.Get(ref) == nil {
			tx.PutLastKnown(was.Cluster, was.Object, was.Origin, was.SeenAt)
			if was.Written != nil {
				tx.Write(ref, was.Written)
			}
			r.lastKnown[file] = append(r.lastKnown[file], ref)
		}
	}
}

// standDown takes out what stands in for a file that has been mended, if the file holds it no more.
func (r *restorer) standDown(tx *store.Tx) {
	for file, refs := range r.lastKnown {
		if r.unknown(file) {
			continue
		}
		delete(r.lastKnown, file)
		for _, ref := range refs {
			if e := tx.Get(ref); e != nil && !e.LastKnown.IsZero() {
				tx.Delete(ref)
			}
			delete(r.was, ref)
		}
	}
}

// fileOf is the file of an origin FILE:LINE.
func fileOf(origin string) string {
	if at := strings.LastIndexByte(origin, ':'); at >= 0 {
		return origin[:at]
	}
	return origin
}

// bringDerived brings back what no file holds and nothing makes anew, with what was said of it.
func (r *restorer) bringDerived(tx *store.Tx) {
	for ref, was := range r.was {
		if was.Origin != status.Origin || !livesOn(ref) || tx.Get(ref) != nil {
			continue
		}
		tx.Put(was.Cluster, was.Object, was.Origin)
		if was.Written != nil {
			tx.Write(ref, was.Written)
		}
		delete(r.was, ref)
	}
}

// count is how many objects stand in for what broken files hold.
func (r *restorer) count() (n int) {
	for _, refs := range r.lastKnown {
		n += len(refs)
	}
	return n
}
