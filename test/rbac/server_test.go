package rbac

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"

	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/outbox"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// server is the API servers of all clusters, as far as an outbox can tell. What it holds of watched kinds is in the store at once.
type server struct {
	t       *testing.T
	store   *store.Store
	objects map[store.Ref]store.Object
	watched map[string]bool
	version int
	// contested are the writes that have failed once because somebody else was faster.
	contested map[string]bool
}

func newServer(t *testing.T, s *store.Store) *server {
	a := &server{t: t, store: s, objects: map[store.Ref]store.Object{}, watched: map[string]bool{kind.Cluster: true}, contested: map[string]bool{}}
	for _, k := range cluster.Watched(true) {
		a.watched[k.Ref()] = true
	}
	return a
}

// put is a write: a user's, or one of an outbox.
func (a *server) put(ref store.Ref, o store.Object) store.Object {
	a.version++
	o.SetResourceVersion(strconv.Itoa(a.version))
	if o.GetUID() == "" {
		o.SetUID(types.UID("uid-" + o.GetResourceVersion()))
	}
	if o.GetDeletionTimestamp() != nil && len(o.GetFinalizers()) == 0 {
		a.drop(ref)
		return o
	}
	a.objects[ref] = o
	if a.watched[ref.Kind] {
		a.store.Commit(func(tx *store.Tx) { tx.Put(ref.Cluster, o, status.OriginOf(o, status.DefaultInstall)) })
	}
	return o
}

func (a *server) drop(ref store.Ref) {
	delete(a.objects, ref)
	a.store.Commit(func(tx *store.Tx) { tx.Delete(ref) })
}

// apply is a user's kubectl apply.
func (a *server) apply(in string, o store.Object) {
	o, _ = o.DeepCopyObject().(store.Object)
	ref := store.RefTo(in, o)
	if old := a.objects[ref]; old != nil {
		o.SetUID(old.GetUID())
		o.SetFinalizers(old.GetFinalizers())
		status.CopyStatus(o, old)
	}
	a.put(ref, o)
}

// remove is a deletion, which finalizers hold up.
func (a *server) remove(ref store.Ref) {
	old := a.objects[ref]
	if old == nil {
		return
	}
	next, _ := old.DeepCopyObject().(store.Object)
	next.SetDeletionTimestamp(&metav1.Time{Time: time.Unix(1, 0)})
	a.put(ref, next)
}

// do answers an outbox.
func (a *server) do(op *outbox.Op) outbox.Result {
	old := a.objects[op.Ref]
	if op.Verb == outbox.Create {
		if old != nil {
			return outbox.Result{Class: outbox.Exists}
		}
		o, _ := op.Object.DeepCopyObject().(store.Object)
		return outbox.Result{Object: a.put(op.Ref, o)}
	}
	if old == nil {
		return outbox.Result{Class: outbox.Gone}
	}
	if op.Verb == outbox.Read {
		return outbox.Result{Object: old}
	}
	if write := string(op.Verb) + op.Ref.String(); !a.contested[write] {
		a.contested[write] = true
		return outbox.Result{Class: outbox.Conflict}
	}
	switch op.Verb {
	case outbox.Delete:
		a.remove(op.Ref)
		return outbox.Result{}
	case outbox.Replace:
		o, _ := op.Object.DeepCopyObject().(store.Object)
		return outbox.Result{Object: a.put(op.Ref, o)}
	}
	return outbox.Result{Object: a.put(op.Ref, a.patched(op, old))}
}

func (a *server) patched(op *outbox.Op, old store.Object) store.Object {
	was, err := json.Marshal(old)
	if err != nil {
		a.t.Fatal(err)
	}
	next := blank(old)
	if op.Type == types.StrategicMergePatchType {
		was, err = strategicpatch.StrategicMergePatch(was, op.Body, next)
	} else {
		tree, patch := map[string]any{}, map[string]any{}
		_, _ = json.Unmarshal(was, &tree), json.Unmarshal(op.Body, &patch)
		merge(tree, patch)
		was, err = json.Marshal(tree)
	}
	if err == nil {
		err = json.Unmarshal(was, next)
	}
	if err != nil {
		a.t.Fatalf("%s: %v: %s", op.Ref, err, op.Body)
	}
	return next
}

// spoil empties what this install has made, as somebody might by mistake.
func (a *server) spoil() {
	for ref, old := range maps.Clone(a.objects) {
		if status.OriginOf(old, status.DefaultInstall) == "" || !a.watched[ref.Kind] {
			continue
		}
		next := blank(old)
		next.GetObjectKind().SetGroupVersionKind(old.GetObjectKind().GroupVersionKind())
		next.SetNamespace(ref.Namespace)
		next.SetName(ref.Name)
		next.SetUID(old.GetUID())
		next.SetFinalizers(old.GetFinalizers())
		next.SetLabels(old.GetLabels()) // whose it is
		next.SetAnnotations(old.GetAnnotations())
		a.put(ref, next)
	}
}

// blank is an object of another one's type.
func blank(o store.Object) store.Object {
	next, _ := reflect.New(reflect.TypeOf(o).Elem()).Interface().(store.Object)
	return next
}

// merge is JSON merge patch.
func merge(to, patch map[string]any) {
	for key, v := range patch {
		inner, isMap := v.(map[string]any)
		at, ok := to[key].(map[string]any)
		switch {
		case v == nil:
			delete(to, key)
		case isMap && !ok:
			at = map[string]any{}
			merge(at, inner)
			to[key] = at
		case isMap:
			merge(at, inner)
		default:
			to[key] = v
		}
	}
}

// users are the objects that no install has made.
func (a *server) users() (refs []store.Ref) {
	for ref, o := range a.objects {
		if status.OriginOf(o, status.DefaultInstall) == "" {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(x, y store.Ref) int { return strings.Compare(x.String(), y.String()) })
	return refs
}
