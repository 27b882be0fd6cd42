package guard

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestPanicEndsItsWorkOnly(t *testing.T) {
	var log bytes.Buffer
	n := map[string]int{}
	g := New(slog.New(slog.NewTextHandler(&log, nil)), func(place string) { n[place]++ })
	ended := 0
	work := func() {
		defer g.Recover("stream", func() { ended++ })
		panic("first place")
	}
	work()
	work()
	func() {
		defer g.Recover("mirror", nil)
		panic("second place")
	}()
	if n["stream"] != 2 || n["mirror"] != 1 || ended != 2 {
		t.Errorf("%v, ended %d", n, ended)
	}
	if s := log.String(); strings.Count(s, "\n") != 2 || !strings.Contains(s, "guard_test.go") || !strings.Contains(s, "second place") {
		t.Errorf("%s", s)
	}
}

func TestNothingHappens(t *testing.T) {
	g := New(nil, func(string) { t.Error("counted") })
	func() { defer g.Recover("stream", func() { t.Error("there was no panic") }) }()
}

// TestNil: a guard that nobody gave still recovers.
func TestNil(t *testing.T) {
	var g *Guard
	func() {
		defer g.Recover("stream", nil)
		panic("x")
	}()
	func() {
		defer New(nil, nil).Recover("stream", nil)
		panic("y")
	}()
}
