package outbox

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// Owner is whose writes these are.
type Owner struct {
	// Install is the name in the marks of derived objects.
	Install string
	// Controllers are those whose elements of shared status lists are ours.
	Controllers []string
	// Finalizers are ours on whatever object they are.
	Finalizers []string
	// Annotations are by kind those that are ours on objects that we say something of.
	Annotations map[string][]string
	// Since is when who wrote before stopped: what happened until then it has told.
	Since time.Time
}

// reconcileLag is how much older last-reconcile-time may be than it is wanted without being written by itself.
const reconcileLag = time.Minute

// next is the write that brings an object closer to what the store says; nil if it is as wanted, or nothing can be done now.
func (o *Owner) next(it *item) *Op {
	e := it.entry
	switch {
	case it.reread:
		return it.read()
	case e == nil:
		if it.made {
			return it.remove(it.known.GetUID(), it.known)
		}
		return nil
	case it.another():
		return nil // the store will say so
	case e.Ref.Kind == kind.Event:
		return o.event(it)
	case status.Doomed(e) || o.holds(it):
		return o.doom(it)
	case it.known != nil && it.known.GetUID() == it.deleted:
		return nil // the store will say so
	case status.Wish(e):
		if op := o.grant(it); op != nil || it.foreign(o.Install) {
			return op
		}
	}
	if it.known == nil {
		return nil
	}
	if op := o.sayStatus(it); op != nil {
		return op
	}
	return o.sayMetadata(it)
}

// another says that an API server has another object of the name than the store.
func (it *item) another() bool {
	return it.known != nil && store.FromServer(it.entry.Object) && it.known.GetUID() != it.entry.Object.GetUID()
}

// foreign says that somebody else's object has the name of a derived one.
func (it *item) foreign(install string) bool {
	return it.known != nil && it.entry != nil && it.entry.Origin == status.Origin && status.OriginOf(it.known, install) != status.Origin
}

func (it *item) read() *Op {
	of := it.known
	if it.entry != nil {
		of = it.entry.Object
	}
	if of == nil {
		return nil
	}
	return &Op{Ref: it.ref, Verb: Read, Object: of}
}

func (it *item) remove(uid types.UID, of store.Object) *Op {
	return &Op{Ref: it.ref, Verb: Delete, Object: of, UID: uid}
}

// holds says that a derived object is being deleted, by its owner's deletion or a user, and waits for us alone.
func (o *Owner) holds(it *item) bool {
	return it.entry.Origin == status.Origin && it.known != nil && it.known.GetDeletionTimestamp() != nil && !it.foreign(o.Install) &&
		slices.ContainsFunc(it.known.GetFinalizers(), func(f string) bool { return slices.Contains(o.Finalizers, f) })
}

// doom lets a derived object go: first the finalizers that are ours, for nobody else takes them off.
func (o *Owner) doom(it *item) *Op {
	live := it.known
	if live == nil {
		live = it.entry.Object
	}
	if live.GetUID() == it.deleted {
		return nil
	}
	rest := slices.DeleteFunc(slices.Clone(live.GetFinalizers()), func(f string) bool { return slices.Contains(o.Finalizers, f) })
	if len(rest) < len(live.GetFinalizers()) {
		return it.patch(live, map[string]any{"finalizers": rest})
	}
	return it.remove(live.GetUID(), live)
}

// grant makes a derived object what it is wished to be.
func (o *Owner) grant(it *item) *Op {
	want := it.entry.Object
	marked := status.Mark(want, o.Install)
	if it.known == nil {
		if store.FromServer(want) {
			return it.read()
		}
		return &Op{Ref: it.ref, Verb: Create, Object: marked}
	}
	live := it.known
	if it.renewal {
		return it.remove(live.GetUID(), live)
	}
	if live.GetDeletionTimestamp() != nil || status.OriginOf(live, o.Install) != status.Origin || status.Applied(live, want) {
		return nil
	}
	text := textOf(marked)
	if it.settled[Replace] == (settled{text, contentOf(live)}) {
		return nil
	}
	marked.SetUID(live.GetUID())
	marked.SetResourceVersion(live.GetResourceVersion())
	marked.SetFinalizers(union(live.GetFinalizers(), marked.GetFinalizers()))
	status.CopyStatus(marked, live)
	return &Op{Ref: it.ref, Verb: Replace, Object: marked, UID: live.GetUID(), want: text}
}

// sayStatus writes what is said of an object's status, or of single conditions of it.
func (o *Owner) sayStatus(it *item) *Op {
	w := it.entry.Written
	if w == nil || w.Status == nil {
		return nil
	}
	live := status.Of(it.known)
	if live == nil || reflect.TypeOf(live) != reflect.TypeOf(w.Status) {
		return nil // another version of the kind
	}
	now := tree(live)
	want := tree(status.Merge(w.Status, it.known, o.Controllers))
	op := &Op{Ref: it.ref, Verb: PatchStatus, Object: it.known, UID: it.known.GetUID(), Type: types.MergePatchType}
	body := map[string]any{"metadata": map[string]any{"uid": op.UID, "resourceVersion": it.known.GetResourceVersion()}}
	if w.Conditions != nil {
		ours := conditionsOf(want, w.Conditions)
		if !differ(conditionsOf(now, w.Conditions), ours) {
			return nil
		}
		if k, ok := kind.Of(it.ref.Kind); ok && !k.Custom {
			// Conditions have a key, so others may write theirs meanwhile.
			op.Type = types.StrategicMergePatchType
			body = map[string]any{"metadata": map[string]any{"uid": op.UID}}
			body["status"] = map[string]any{"conditions": ours}
		} else {
			body["status"] = map[string]any{"conditions": replaced(now["conditions"], ours)}
		}
	} else {
		patch := mergePatch(now, want)
		if len(patch) == 0 {
			return nil
		}
		body["status"] = patch
	}
	op.want = textOf(want)
	if it.settled[PatchStatus] == (settled{op.want, textOf(now)}) {
		return nil
	}
	op.Body = marshal(body)
	if !hasStatus(it.ref.Kind) {
		op.Verb = Patch
	}
	return op
}

// hasStatus says whether the status of a kind is a resource of its own.
func hasStatus(ref string) bool { return ref != kind.ServiceNetworkEndpointGroup }

// sayMetadata writes annotations and finalizers.
func (o *Owner) sayMetadata(it *item) *Op {
	meta := map[string]any{}
	if annotations := o.annotations(it); len(annotations) > 0 {
		meta["annotations"] = annotations
	}
	if finalizers, other := o.finalizers(it); other {
		meta["finalizers"] = finalizers
	}
	if len(meta) == 0 {
		return nil
	}
	return it.patch(it.known, meta)
}

func (it *item) patch(live store.Object, meta map[string]any) *Op {
	want := textOf(meta)
	meta["uid"] = live.GetUID()
	if _, whole := meta["finalizers"]; whole {
		meta["resourceVersion"] = live.GetResourceVersion() // others may add theirs
	}
	body := marshal(map[string]any{"metadata": meta})
	return &Op{Ref: it.ref, Verb: Patch, Object: live, UID: live.GetUID(), Type: types.MergePatchType, Body: body, want: want}
}

// annotations are the differences: a nil value takes one away.
func (o *Owner) annotations(it *item) map[string]any {
	var want map[string]string
	if it.entry.Written != nil {
		want = it.entry.Written.Annotations
	}
	live, out := it.known.GetAnnotations(), map[string]any{}
	for key, value := range want {
		if now, there := live[key]; (!there || now != value) && key != status.LastReconcileTime {
			out[key] = value
		}
	}
	for key := range live {
		if _, wanted := want[key]; !wanted && o.spoke(it, key, want != nil) {
			out[key] = nil
		}
	}
	if at, ok := want[status.LastReconcileTime]; ok && (len(out) > 0 || lags(live[status.LastReconcileTime], at)) {
		out[status.LastReconcileTime] = at
	}
	return out
}

// spoke says that an annotation is ours to take away.
func (o *Owner) spoke(it *item, key string, speaks bool) bool {
	if it.said != nil {
		if _, said := it.said.Annotations[key]; said {
			return true
		}
	}
	return speaks && slices.Contains(o.Annotations[it.ref.Kind], key)
}

func lags(live, want string) bool {
	a, errA := time.Parse(time.RFC3339, live)
	b, errB := time.Parse(time.RFC3339, want)
	return errB == nil && (errA != nil || b.Sub(a) >= reconcileLag)
}

// finalizers are what the list has to be; other says that it is not.
func (o *Owner) finalizers(it *item) (list []string, other bool) {
	w := it.entry.Written
	live := it.known.GetFinalizers()
	var want []string
	speaks := w != nil && w.Finalizers != nil
	if speaks {
		want = w.Finalizers
	}
	list = []string{}
	for _, f := range live {
		ours := speaks && slices.Contains(o.Finalizers, f) || it.said != nil && slices.Contains(it.said.Finalizers, f)
		if ours && !slices.Contains(want, f) {
			other = true
			continue
		}
		list = append(list, f)
	}
	if it.known.GetDeletionTimestamp() != nil {
		return list, other // an API server takes no new ones
	}
	for _, f := range want {
		if !slices.Contains(list, f) {
			list, other = append(list, f), true
		}
	}
	return list, other
}

// event makes an Event, or tells it again. How long it stays is the API server's to say.
func (o *Owner) event(it *item) *Op {
	want, ok := it.entry.Object.(*corev1.Event)
	if !ok || !status.Wish(it.entry) {
		return nil
	}
	live, _ := it.known.(*corev1.Event)
	if live == nil && !store.FromServer(want) {
		if want.LastTimestamp.Time.Before(o.Since) {
			return nil
		}
		return &Op{Ref: it.ref, Verb: Create, Object: status.Mark(want, o.Install)}
	}
	cause := want.Annotations[status.CauseAnnotation]
	if live != nil && live.Count == want.Count && live.LastTimestamp.Equal(&want.LastTimestamp) && live.Annotations[status.CauseAnnotation] == cause {
		return nil
	}
	body := marshal(map[string]any{
		"count": want.Count, "lastTimestamp": want.LastTimestamp,
		"metadata": map[string]any{"annotations": map[string]any{status.CauseAnnotation: cause}},
	})
	return &Op{Ref: it.ref, Verb: Patch, Object: want, Type: types.MergePatchType, Body: body, want: string(body)}
}

// conditionsOf are the conditions of some types, in the order of their types.
func conditionsOf(status map[string]any, names []string) []any {
	list, _ := status["conditions"].([]any)
	var out []any
	for _, name := range names {
		for _, c := range list {
			if m, ok := c.(map[string]any); ok && m["type"] == name {
				out = append(out, c)
			}
		}
	}
	return out
}

// replaced is a list of conditions with some others in it.
func replaced(list any, ours []any) []any {
	typeOf := func(c any) any {
		m, _ := c.(map[string]any)
		return m["type"]
	}
	old, _ := list.([]any)
	out := slices.Clone(old)
	for _, c := range ours {
		at := slices.IndexFunc(out, func(other any) bool { return typeOf(other) == typeOf(c) })
		if at < 0 {
			out = append(out, c)
		} else {
			out[at] = c
		}
	}
	return out
}

// mergePatch is the JSON merge patch between two trees; what is empty is as good as not there.
func mergePatch(from, to map[string]any) map[string]any {
	patch := map[string]any{}
	for key, want := range to {
		have := from[key]
		a, okA := have.(map[string]any)
		b, okB := want.(map[string]any)
		switch {
		case okA && okB:
			if inner := mergePatch(a, b); len(inner) > 0 {
				patch[key] = inner
			}
		case empty(want) && empty(have):
		case differ(have, want):
			patch[key] = want
		}
	}
	for key, have := range from {
		if _, wanted := to[key]; !wanted && !empty(have) {
			patch[key] = nil
		}
	}
	return patch
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func differ(a, b any) bool { return !reflect.DeepEqual(a, b) }

// tree is a value as JSON has it.
func tree(v any) map[string]any {
	var out map[string]any
	if err := json.Unmarshal(marshal(v), &out); err != nil {
		return nil
	}
	return out
}

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("outbox: an API's type does not marshal: " + err.Error())
	}
	return b
}

func textOf(v any) string { return digest.Hex(string(marshal(v)), 32) }

// contentOf is the same for versions of an object that differ in what an API server counts only.
func contentOf(o store.Object) string {
	all := tree(o)
	if meta, ok := all["metadata"].(map[string]any); ok {
		maps.DeleteFunc(meta, func(key string, _ any) bool {
			return key == "resourceVersion" || key == "generation" || key == "managedFields"
		})
	}
	return textOf(all)
}

func union(a, b []string) []string {
	out := slices.Clone(a)
	for _, s := range b {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
