package client

import (
	"testing"
	"time"
)

// TestWhatAControllerOwes: it is left only while it owes an answer, and each part of one is time for the next.
func TestWhatAControllerOwes(t *testing.T) {
	now := time.Unix(0, 0)
	w := newWatch(30*time.Second, now)
	expect := func(what string, owes bool, in time.Duration) {
		t.Helper()
		if w.owes() != owes || w.due().Sub(now) != in {
			t.Errorf("%s: owes %t, due in %v; want %t, %v", what, w.owes(), w.due().Sub(now), owes, in)
		}
	}
	pass := func(d time.Duration) { now = now.Add(d) }
	expect("at first", true, 30*time.Second)
	pass(20 * time.Second)
	w.part(now, false)
	expect("after a part", true, 30*time.Second)
	pass(5 * time.Second)
	w.part(now, true)
	expect("after the last part", false, 10*time.Second)
	pass(5 * time.Second)
	w.wordSent(now)
	expect("after a word", true, 30*time.Second)
	pass(time.Second)
	w.wordSent(now)
	expect("a second word is no more time for the first", true, 29*time.Second)
	w.wordHeard(now)
	expect("one was taken", true, 30*time.Second)
	w.wordHeard(now)
	expect("both were taken", false, 10*time.Second)
	w.part(now, false)
	w.wordSent(now)
	w.wordHeard(now)
	expect("a response stopped in the middle", true, 30*time.Second)
}
