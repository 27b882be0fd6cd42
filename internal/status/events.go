package status

import (
	"container/list"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Defaults of Limits.
const (
	defaultEventTTL  = time.Hour
	defaultMaxEvents = 10_000
)

// eventLog keeps Event objects: occurrences of one (object, type, reason, message, source) are one Event with a count.
type eventLog struct {
	ttl time.Duration
	max int

	causes map[causeKey]string // the cause that was last seen of each wanted event
	last   map[eventKey]*list.Element
	order  *list.List // of *occurrence, the oldest last occurrence first
	serial int64      // that of the newest name
	// adopted: the events of an earlier process have been taken over.
	adopted bool
}

type causeKey struct {
	ref store.Ref
	key string
}

// eventKey tells events apart; those of an object that was made anew are others.
type eventKey struct {
	about                         store.Ref
	uid                           types.UID
	kind, reason, message, source string
}

func keyFor(t Target, about store.Ref, e recompute.Event) eventKey {
	var uid types.UID
	if entry := t.Get(about); entry != nil {
		uid = entry.Object.GetUID()
	}
	return eventKey{about, uid, e.Type, e.Reason, e.Message, e.Source}
}

type occurrence struct {
	key   eventKey
	ref   store.Ref
	at    time.Time
	cause string
	// adopted: an earlier process emitted it, and this one has not heard of it yet.
	adopted bool
}

// CauseAnnotation keeps an event's cause on the Event, for the next process.
const CauseAnnotation = "spillway.dev/cause"

func newEventLog(l Limits) *eventLog {
	e := &eventLog{
		ttl: l.EventTTL, max: l.MaxEvents,
		causes: map[causeKey]string{}, last: map[eventKey]*list.Element{}, order: list.New(),
	}
	if e.ttl == 0 {
		e.ttl = defaultEventTTL
	}
	if e.max == 0 {
		e.max = defaultMaxEvents
	}
	return e
}

// adopt takes over the events that are there, as an earlier process left them.
func (l *eventLog) adopt(t Target) {
	if l.adopted {
		return
	}
	l.adopted = true
	var found []*occurrence
	t.Walk("Event", "", "", func(e *store.Entry) bool {
		if event, ok := e.Object.(*corev1.Event); ok && e.Origin == Origin {
			found = append(found, &occurrence{
				key: keyOf(e.Ref.Cluster, event), ref: e.Ref, at: event.LastTimestamp.Time, cause: event.Annotations[CauseAnnotation],
				adopted: true,
			})
		}
		return true
	})
	slices.SortStableFunc(found, func(a, b *occurrence) int { return a.at.Compare(b.at) })
	for _, o := range found {
		l.last[o.key] = l.order.PushBack(o)
	}
}

func keyOf(cluster string, e *corev1.Event) eventKey {
	kind := e.InvolvedObject.Kind
	if group := e.InvolvedObject.GroupVersionKind().Group; group != "" {
		kind += "." + group
	}
	about := store.Ref{Cluster: cluster, Kind: kind, Namespace: e.InvolvedObject.Namespace, Name: e.InvolvedObject.Name}
	return eventKey{about, e.InvolvedObject.UID, e.Type, e.Reason, e.Message, e.Source.Component}
}

// apply emits an event unless its cause is the one already seen; said tells that an earlier process has told it. An event
// that is no longer wanted stays until it expires, but its cause is forgotten: it is news when it comes back.
func (l *eventLog) apply(t Target, c recompute.WriteChange, said bool, now time.Time) {
	key := causeKey{c.Ref, c.Key}
	e, ok := c.Value.(recompute.Event)
	if !ok {
		return
	}
	adopted := l.disown(keyFor(t, c.Ref, e), e.Cause)
	if c.Removed {
		delete(l.causes, key)
		return
	}
	// The message counts as cause, too: a new text is a new event.
	cause := e.Cause + "\x00" + e.Reason + "\x00" + e.Message
	seen, known := l.causes[key]
	if known && seen == cause {
		return
	}
	l.causes[key] = cause
	if !known && (said || adopted) {
		return
	}
	l.emit(t, c.Ref, e, now)
}

// disown takes note that this process has heard of an event; it says whether an earlier one emitted it for the same cause.
func (l *eventLog) disown(key eventKey, cause string) bool {
	element, ok := l.last[key]
	if !ok {
		return false
	}
	o := element.Value.(*occurrence)
	adopted := o.adopted
	o.adopted = false
	return adopted && o.cause == cause
}

func (l *eventLog) emit(t Target, about store.Ref, e recompute.Event, now time.Time) {
	now = now.UTC()
	key := keyFor(t, about, e)
	if element, ok := l.last[key]; ok {
		o := element.Value.(*occurrence)
		if entry := t.Get(o.ref); entry != nil {
			o.at = now
			l.order.MoveToBack(element)
			again := entry.Object.DeepCopyObject().(*corev1.Event)
			again.Count++
			o.cause = e.Cause
			setCause(again, e.Cause)
			again.LastTimestamp = metav1.NewTime(now.Truncate(time.Second))
			t.Put(about.Cluster, again, Origin)
			return
		}
		l.order.Remove(element)
	}
	event := newEvent(t.Get(about), about, e, now)
	event.Name = l.name(about.Name, now)
	event.UID = uid(store.RefTo(about.Cluster, event), now)
	setCause(event, e.Cause)
	o := &occurrence{key: key, ref: store.RefTo(about.Cluster, event), at: now, cause: e.Cause}
	l.last[key] = l.order.PushBack(o)
	t.Put(about.Cluster, event, Origin)
	for l.order.Len() > l.max {
		l.drop(t, l.order.Front())
	}
}

// name is the object's name and the time in nanoseconds, as client-go makes it; events of one moment get one each, so that
// the order of names is that of events.
func (l *eventLog) name(about string, now time.Time) string {
	l.serial = max(l.serial+1, now.UnixNano())
	return about + "." + strconv.FormatInt(l.serial, 16)
}

func (l *eventLog) anyExpired(now time.Time) bool {
	front := l.order.Front()
	return front != nil && now.Sub(front.Value.(*occurrence).at) > l.ttl
}

func (l *eventLog) expire(t Target, now time.Time) {
	for l.anyExpired(now) {
		l.drop(t, l.order.Front())
	}
}

func (l *eventLog) drop(t Target, element *list.Element) {
	o := l.order.Remove(element).(*occurrence)
	delete(l.last, o.key)
	t.Delete(o.ref)
}

// setCause replaces the annotations: an event that was told again is a wish, if it has been to an API server.
func setCause(event *corev1.Event, cause string) {
	event.Annotations = nil
	if cause != "" {
		event.Annotations = map[string]string{CauseAnnotation: cause}
	}
}

// newEvent is a core/v1 Event as kubectl describe reads it; about may be nil if the object is gone.
func newEvent(about *store.Entry, ref store.Ref, e recompute.Event, now time.Time) *corev1.Event {
	involved := corev1.ObjectReference{Namespace: ref.Namespace, Name: ref.Name}
	involved.Kind = kind.Bare(ref.Kind)
	if about != nil {
		gvk := about.Object.GetObjectKind().GroupVersionKind()
		involved.APIVersion = gvk.GroupVersion().String()
		involved.UID = about.Object.GetUID()
		if involved.ResourceVersion = about.Object.GetResourceVersion(); involved.ResourceVersion == "" {
			involved.ResourceVersion = strconv.FormatUint(about.Revision, 10)
		}
	}
	namespace := ref.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault // where events about cluster-scoped objects live
	}
	at := metav1.NewTime(now.Truncate(time.Second))
	return &corev1.Event{
		TypeMeta:       metav1.TypeMeta{APIVersion: "v1", Kind: "Event"},
		ObjectMeta:     metav1.ObjectMeta{Namespace: namespace, CreationTimestamp: at},
		InvolvedObject: involved,
		Type:           e.Type, Reason: e.Reason, Message: e.Message,
		Source:         corev1.EventSource{Component: e.Source},
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
		ReportingController: e.Source,
	}
}
