package status

import (
	"container/list"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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
}

type causeKey struct {
	ref store.Ref
	key string
}

type eventKey struct {
	about                         store.Ref
	kind, reason, message, source string
}

type occurrence struct {
	key eventKey
	ref store.Ref
	at  time.Time
}

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

// apply emits an event unless its cause is the one already seen. An event that is no longer wanted stays until it
// expires, but its cause is forgotten: it is news when it comes back.
func (l *eventLog) apply(tx *store.Tx, c recompute.WriteChange, now time.Time) {
	key := causeKey{c.Ref, c.Key}
	if c.Removed {
		delete(l.causes, key)
		return
	}
	e, ok := c.Value.(recompute.Event)
	if !ok {
		return
	}
	// The message counts as cause, too: a new text is a new event.
	cause := e.Cause + "\x00" + e.Reason + "\x00" + e.Message
	if seen, ok := l.causes[key]; ok && seen == cause {
		return
	}
	l.causes[key] = cause
	l.emit(tx, c.Ref, e, now)
}

func (l *eventLog) emit(tx *store.Tx, about store.Ref, e recompute.Event, now time.Time) {
	now = now.UTC()
	key := eventKey{about, e.Type, e.Reason, e.Message, e.Source}
	if element, ok := l.last[key]; ok {
		o := element.Value.(*occurrence)
		if entry := tx.Get(o.ref); entry != nil {
			o.at = now
			l.order.MoveToBack(element)
			again := entry.Object.DeepCopyObject().(*corev1.Event)
			again.Count++
			again.LastTimestamp = metav1.NewTime(now.Truncate(time.Second))
			tx.Put(about.Cluster, again, Origin)
			return
		}
		l.order.Remove(element)
	}
	event := newEvent(tx.Get(about), about, e, now)
	event.Name = l.name(about.Name, now)
	event.UID = uid(store.RefTo(about.Cluster, event), now)
	o := &occurrence{key: key, ref: store.RefTo(about.Cluster, event), at: now}
	l.last[key] = l.order.PushBack(o)
	tx.Put(about.Cluster, event, Origin)
	for l.order.Len() > l.max {
		l.drop(tx, l.order.Front())
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

func (l *eventLog) expire(tx *store.Tx, now time.Time) {
	for l.anyExpired(now) {
		l.drop(tx, l.order.Front())
	}
}

func (l *eventLog) drop(tx *store.Tx, element *list.Element) {
	o := l.order.Remove(element).(*occurrence)
	delete(l.last, o.key)
	tx.Delete(o.ref)
}

// newEvent is a core/v1 Event as kubectl describe reads it; about may be nil if the object is gone.
func newEvent(about *store.Entry, ref store.Ref, e recompute.Event, now time.Time) *corev1.Event {
	involved := corev1.ObjectReference{Namespace: ref.Namespace, Name: ref.Name}
	involved.Kind = kind.Bare(ref.Kind)
	if about != nil {
		gvk := about.Object.GetObjectKind().GroupVersionKind()
		involved.APIVersion = gvk.GroupVersion().String()
		involved.UID = about.Object.GetUID()
		involved.ResourceVersion = strconv.FormatUint(about.Revision, 10)
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
