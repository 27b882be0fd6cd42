package manifests

import (
	"slices"
	"testing"
	"time"
)

// epoch is tick 0 of the tests' clock.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return epoch.Add(time.Duration(ms) * time.Millisecond) }

func sized(size int64, ms int) Stamp { return Stamp{Size: size, ModTime: at(ms)} }

func TestSettlerWaitsForStability(t *testing.T) {
	s := NewSettler()
	s.Observe("a", sized(1, 0), at(0))
	s.Observe("a", sized(2, 10), at(10)) // still being written
	if due := s.Due(at(29)); len(due) > 0 {
		t.Errorf("due after 19 ms: %v", due)
	}
	if next, ok := s.Next(); !ok || !next.Equal(at(30)) {
		t.Errorf("next %v %v", next, ok)
	}
	if due := s.Due(at(30)); !slices.Equal(due, []string{"a"}) {
		t.Errorf("due after 20 ms: %v", due)
	}
	if s.Settled("a", sized(3, 30), at(30)) {
		t.Error("a file that changed in the last moment counts")
	}
	if due := s.Due(at(49)); len(due) > 0 {
		t.Errorf("due too early: %v", due)
	}
	if !s.Settled("a", sized(3, 30), at(50)) {
		t.Error("a stable file does not count")
	}
	if _, ok := s.Next(); ok {
		t.Error("waits although everything counts")
	}
}

func TestSettlerWaitsForNothingTwice(t *testing.T) {
	s := NewSettler()
	s.Count("a", sized(1, 0))
	s.Observe("a", sized(1, 0), at(100))
	if _, ok := s.Next(); ok {
		t.Error("waits for a file that did not change")
	}
	s.Touch("a", sized(1, 0), at(100))
	s.Observe("a", sized(1, 0), at(110))
	if due := s.Due(at(120)); len(due) != 1 {
		t.Error("a file that was written to, with the same size and time, does not count")
	}
	s.Observe("a", sized(2, 115), at(115))
	s.Observe("a", sized(1, 0), at(118))
	if _, ok := s.Next(); ok {
		t.Error("waits for a file that is as it was")
	}
}

func TestSettlerDeletions(t *testing.T) {
	s := NewSettler()
	s.Count("a", sized(1, 0))
	s.Observe("a", Stamp{}, at(100))
	s.Observe("a", sized(1, 105), at(105)) // an editor put it back
	if due := s.Due(at(120)); len(due) > 0 {
		t.Errorf("due %v", due)
	}
	s.Observe("a", Stamp{}, at(110))
	if !s.Settled("a", Stamp{}, at(130)) || len(s.Known()) > 0 {
		t.Error("a file that is gone stays known")
	}
	s.Observe("b", sized(1, 140), at(140))
	s.Observe("b", Stamp{}, at(141))
	if _, ok := s.Next(); ok {
		t.Error("waits for a file that came and went")
	}
}

func TestSettlerWaitsForTheLayout(t *testing.T) {
	s := NewSettler()
	s.Observe("a/web.yaml", sized(1, 0), at(0))
	s.Observe("a/cluster.yaml", sized(1, 15), at(15))
	if due := s.Due(at(20)); len(due) > 0 {
		t.Errorf("due before cluster.yaml: %v", due)
	}
	if next, _ := s.Next(); !next.Equal(at(35)) {
		t.Errorf("next %v", next)
	}
	if due := s.Due(at(35)); !slices.Equal(due, []string{"a/cluster.yaml", "a/web.yaml"}) {
		t.Errorf("due %v", due)
	}
}

func TestSettlerRenameIsOneChange(t *testing.T) {
	s := NewSettler()
	s.Count("old", sized(1, 0))
	s.Observe("old", Stamp{}, at(100))
	s.Touch("new", sized(1, 0), at(103))
	if due := s.Due(at(121)); len(due) > 0 {
		t.Errorf("due before the new name: %v", due)
	}
	if next, _ := s.Next(); !next.Equal(at(123)) {
		t.Errorf("next %v", next)
	}
	if due := s.Due(at(123)); !slices.Equal(due, []string{"new", "old"}) {
		t.Errorf("due %v", due)
	}
	s.Touch("new", sized(2, 0), at(123)) // a file that is written all the time holds up a deletion for a while only
	s.Touch("new", sized(3, 0), at(138))
	if next, _ := s.Next(); !next.Equal(at(140)) {
		t.Errorf("next %v", next)
	}
	if due := s.Due(at(140)); !slices.Equal(due, []string{"old"}) {
		t.Errorf("due %v", due)
	}
}

// `rm -r` takes files one by one: what it means shows when it has ended.
func TestSettlerDeletionsWaitForEachOther(t *testing.T) {
	s := NewSettler()
	names := []string{"a", "b", "c", "d"}
	for i, name := range names {
		s.Count(name, sized(1, 0))
		s.Observe(name, Stamp{}, at(100+15*i))
	}
	if due := s.Due(at(164)); len(due) > 0 {
		t.Errorf("due while files go: %v", due)
	}
	if due := s.Due(at(165)); !slices.Equal(due, names) {
		t.Errorf("due %v", due)
	}
	for i := range 60 {
		name := string(rune('e' + i))
		s.Count(name, sized(1, 0))
		s.Observe(name, Stamp{}, at(160+15*i))
	}
	if due := s.Due(at(640)); !slices.Equal(due, names[:2]) {
		t.Errorf("due while files go for long: %v", due)
	}
}
