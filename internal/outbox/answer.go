package outbox

import (
	"fmt"
	"time"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// contested is how often the same may have to be written again until it is taken for somebody else's as well.
const contested = 3

// Done takes the answer to a request.
func (c *Core) Done(now time.Time, op *Op, r Result) {
	it := c.items[op.Ref]
	l := c.lane(op.Ref.Cluster)
	l.inFlight--
	l.probing = false
	if r.Class == Unreachable {
		l.fail(now, c.limits)
	} else {
		l.pause = pause{}
	}
	if it == nil || it.flight != op {
		return
	}
	it.flight = nil
	if r.Class != Unserved {
		delete(l.kinds, op.Ref.Kind)
	}
	if r.Class == OK {
		c.succeeded(now, it, op, r)
	} else {
		c.failed(now, it, l, op, r)
	}
	c.queue(it)
}

func (c *Core) succeeded(now time.Time, it *item, op *Op, r Result) {
	it.failures, it.notBefore, it.refused, it.trouble = 0, time.Time{}, "", ""
	it.reread = false
	switch op.Verb {
	case Delete:
		it.deleted, it.renewal = op.UID, false
		if it.made && it.known.GetUID() == op.UID {
			it.known, it.made = nil, false
		}
		return
	case Read:
		it.known = r.Object
		if it.foreign(c.owner.Install) {
			c.tell(it, Exists, "an object of that name is somebody else's")
		}
		return
	case Create:
		it.made = it.entry == nil || !store.FromServer(it.entry.Object)
	}
	if r.Object == nil {
		it.reread = true
		return
	}
	if it.known == nil || it.known.GetUID() != r.Object.GetUID() || !older(r.Object, it.known) {
		it.known = r.Object
	}
	c.settle(now, it, op, r.Object)
}

// settle remembers what a write has come to, and slows down what has to be written again and again.
func (c *Core) settle(now time.Time, it *item, op *Op, answer store.Object) {
	if op.want == "" {
		return
	}
	if it.settled == nil {
		it.settled = map[Verb]settled{}
	}
	if op.Verb == PatchStatus {
		it.settled[op.Verb] = settled{op.want, textOf(tree(status.Of(answer)))}
	} else {
		it.settled[op.Verb] = settled{op.want, contentOf(answer)}
	}
	if last := string(op.Verb) + op.want; it.last != last {
		it.last, it.repeats = last, 0
		return
	}
	it.repeats++
	if it.repeats >= contested {
		it.notBefore = now.Add(c.limits.backoff(it.repeats))
		c.tell(it, Conflict, "what is written there is changed back again and again: does somebody else control it?")
	}
}

func (c *Core) failed(now time.Time, it *item, l *lane, op *Op, r Result) {
	switch r.Class {
	case Unreachable:
		return // the lane waits
	case Conflict:
		it.reread = true
		it.notBefore = now.Add(c.limits.backoff(it.failures) / 2)
	case Exists:
		c.exists(it)
	case Gone:
		c.gone(now, it, op)
	case NoNamespace:
		c.spaces.wait(op.Ref)
		it.refused, it.notBefore = op.signature(), now.Add(c.limits.backoff(it.failures))
	case Unserved:
		p := l.kinds[op.Ref.Kind]
		if p == nil {
			p = &pause{}
			l.kinds[op.Ref.Kind] = p
			c.tell(it, r.Class, r.Text)
		}
		p.fail(now, c.limits)
	case Invalid, Forbidden:
		c.refused(now, it, op, r)
	default:
		it.notBefore = now.Add(max(r.After, c.limits.backoff(it.failures)))
		if it.failures > contested {
			c.tell(it, r.Class, r.Text)
		}
	}
	it.failures++
}

// exists has a derived object read that is there already. An event that is there has been told.
func (c *Core) exists(it *item) {
	it.reread = true
	if it.ref.Kind == kind.Event && it.entry != nil {
		it.reread = false
		it.known = it.entry.Object
	}
}

// gone: the store will say so, too. An object of ours is made anew then, and an event at once.
func (c *Core) gone(now time.Time, it *item, op *Op) {
	it.reread = false
	switch {
	case op.Verb == Delete:
		it.deleted = op.UID
		if it.made {
			it.known, it.made = nil, false
		}
	case it.entry != nil && it.entry.Ref.Kind == kind.Event:
		it.known, it.settled = nil, nil
		it.entry = again(it.entry)
	case it.entry != nil && status.Wish(it.entry) && !store.FromServer(it.entry.Object):
		it.known, it.made, it.settled = nil, false, nil
	default:
		it.refused, it.notBefore = op.signature(), now.Add(c.limits.RefusedPause)
	}
}

// again is an entry whose object is to be created, whatever was known of it.
func again(e *store.Entry) *store.Entry {
	next := *e
	o, _ := e.Object.DeepCopyObject().(store.Object)
	o.SetResourceVersion("")
	next.Object = o
	return &next
}

// refused waits for something else to be wanted. A derived object of which a field cannot be changed is made anew.
func (c *Core) refused(now time.Time, it *item, op *Op, r Result) {
	if r.Class == Invalid && op.Verb == Replace && it.known != nil && it.renewed != op.signature() {
		c.tell(it, r.Class, r.Text+"; it is deleted and made anew")
		it.renewal, it.renewed = true, op.signature()
		return
	}
	it.refused, it.notBefore = op.signature(), now.Add(max(c.limits.RefusedPause, c.limits.backoff(it.failures)))
	c.tell(it, r.Class, fmt.Sprintf("%s: %s", op.Verb, r.Text))
}

// tell says what is wrong with an object's writes, once.
func (c *Core) tell(it *item, class Class, text string) {
	if it.trouble != text {
		it.trouble = text
		c.Trouble(it.ref, class, text)
	}
}
