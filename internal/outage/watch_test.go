package outage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func backend(name string, r Reason) Backend {
	return Backend{Of: store.Ref{Kind: "Service", Name: name}, Port: 80, Location: "us-west1", Healthy: r == Reason{}, Reason: r}
}

// said is what a step tells: "app: REASON" or "app mends".
func said(worse, better []Backend) []string {
	var out []string
	for _, b := range worse {
		out = append(out, b.Of.Name+": "+b.Reason.Text)
	}
	for _, b := range better {
		out = append(out, b.Of.Name+" mends")
	}
	return out
}

func TestWatch(t *testing.T) {
	well := Reason{}
	typo := Reason{NoPods, "no Pod"}
	starting := Reason{NoReadyPods, "starting"}
	unprobed := Reason{NotProbed, "unprobed"}
	refused := Reason{Unhealthy, "refused"}
	wrong := Reason{Unhealthy, "HTTP 404"}
	type step struct {
		at     float64
		reason Reason
		want   string // "" is nothing
	}
	for name, steps := range map[string][]step{
		"a start that comes out well is not told":      {{0, starting, ""}, {1, unprobed, ""}, {5, refused, ""}, {9.9, starting, ""}, {10, well, ""}},
		"a start that takes too long is":               {{0, starting, ""}, {5, refused, ""}, {10, refused, "app: refused"}, {11, refused, ""}, {60, well, "app mends"}, {61, well, ""}},
		"a typo is told soon":                          {{0, typo, ""}, {1.9, typo, ""}, {2, typo, "app: no Pod"}, {3, typo, ""}, {4, well, "app mends"}},
		"files that come one after the other are not":  {{0, typo, ""}, {1, starting, ""}, {3, well, ""}},
		"who was well has less time":                   {{0, well, ""}, {10, refused, ""}, {12, refused, "app: refused"}},
		"a flap is not told":                           {{0, well, ""}, {10, refused, ""}, {11, well, ""}, {12, refused, ""}, {13, well, ""}},
		"another reason is told":                       {{0, typo, ""}, {2, typo, "app: no Pod"}, {3, refused, ""}, {13, refused, "app: refused"}},
		"other words for it wait":                      {{0, well, ""}, {1, refused, ""}, {3, refused, "app: refused"}, {4, wrong, ""}, {5, refused, ""}, {32, wrong, ""}, {33, wrong, "app: HTTP 404"}, {34, refused, ""}},
		"what nobody knows is no news":                 {{0, well, ""}, {1, refused, ""}, {3, refused, "app: refused"}, {60, unprobed, ""}, {90, refused, ""}, {91, well, "app mends"}},
		"mending ends the story, and a new one begins": {{0, well, ""}, {1, refused, ""}, {3, refused, "app: refused"}, {4, well, "app mends"}, {5, refused, ""}, {7, refused, "app: refused"}},
	} {
		w := NewWatch()
		for _, s := range steps {
			worse, better, again := w.Step(at(s.at), []Backend{backend("app", s.reason)})
			got := fmt.Sprint(said(worse, better))
			if want := fmt.Sprint(slices.DeleteFunc([]string{s.want}, func(x string) bool { return x == "" })); got != want {
				t.Errorf("%s: at %v: %s, want %s", name, s.at, got, want)
			}
			if s.reason != well && s.want == "" && !again.IsZero() && !again.After(at(s.at)) {
				t.Errorf("%s: at %v: the next step is asked for at %v", name, s.at, again)
			}
		}
	}
}

func TestWatchForgetsWhatIsNotInUse(t *testing.T) {
	w := NewWatch()
	typo := Reason{NoPods, "no Pod"}
	for _, s := range []struct {
		at   float64
		all  []Backend
		want string
	}{
		{0, []Backend{backend("a", typo), backend("b", typo)}, "[]"},
		{2, []Backend{backend("a", typo), backend("b", typo)}, "[a: no Pod b: no Pod]"},
		{3, []Backend{backend("b", typo)}, "[]"},
		{4, []Backend{backend("a", Reason{}), backend("b", typo)}, "[]"},
		{5, nil, "[]"},
	} {
		worse, better, _ := w.Step(at(s.at), s.all)
		if got := fmt.Sprint(said(worse, better)); got != s.want {
			t.Errorf("at %v: %s, want %s", s.at, got, s.want)
		}
	}
}

// The next step that is asked for is when the first of several is due.
func TestWatchAsksForTheNextStep(t *testing.T) {
	w := NewWatch()
	all := []Backend{backend("a", Reason{NoReadyPods, "x"}), backend("b", Reason{NoPods, "x"})}
	if _, _, again := w.Step(at(0), all); !again.Equal(at(2)) {
		t.Errorf("%v", again)
	}
	if _, _, again := w.Step(at(2), all); !again.Equal(at(10)) {
		t.Errorf("%v", again)
	}
	if _, _, again := w.Step(at(10), all); !again.IsZero() {
		t.Errorf("%v", again)
	}
}

// TestTold: what is told of now is what lines have said; a callout and a route's backend of one port are two.
func TestTold(t *testing.T) {
	w := NewWatch()
	app, callout := backend("app", Reason{}), backend("app", Reason{NoPods, "no Pod"})
	callout.Callout = true
	both := []Backend{app, callout}
	for _, step := range []struct {
		at   float64
		want string
	}{{0, "[]"}, {2, "[app: no Pod]"}, {3, "[app: no Pod]"}} {
		w.Step(at(step.at), both)
		if got := fmt.Sprint(said(w.Told(both), nil)); got != step.want {
			t.Errorf("at %v told is %s, want %s", step.at, got, step.want)
		}
	}
	both[1].Healthy, both[1].Reason = true, Reason{}
	w.Step(at(4), both)
	if told := w.Told(both); len(told) > 0 {
		t.Errorf("mended, and told of: %v", told)
	}
}
