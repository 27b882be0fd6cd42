package truth_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// fault is one way in which something goes wrong.
type fault struct {
	name string
	// before are files that are there, and in order, before the fault comes; fault are its files ("" deletes).
	before, fault map[string]string
	// early is done before the files of the fault are written, do after it.
	early, do func(w *world)
	// mend, if not nil, takes the fault away in the end: everything serves then, and says so.
	mend func(w *world)
	// object is KIND/NAME of what has to say so. want are pieces of one of its conditions, all in it: "Accepted=False", "spec.rules[0]".
	object string
	want   []string
	// live are the answers that r.test may get while the fault is there, kept after a restart, and fresh those at a start from nothing;
	// "" for fresh is as live.
	live, fresh string
	// freshWant replaces want at a start from nothing.
	freshWant []string
	// secure are the answers of the HTTPS listener, neighbour those of good.test, whose backend and Gateway are r's, too; "" is 200.
	secure, secureFresh, neighbour, neighbourFresh string
	// listener is where r.test is asked for; "" is http.
	listener string
	// unpromised: the conditions of routes and Gateways promise nothing about what the fault breaks; others say it.
	unpromised bool
}

func (f *fault) kindAndName() (kind, name string) {
	kind, name, _ = strings.Cut(f.object, "/")
	switch kind {
	case "HTTPRoute", "Gateway", "BackendTLSPolicy":
		kind += ".gateway.networking.k8s.io"
	case "HealthCheckPolicy", "GCPBackendPolicy", "GCPGatewayPolicy", "GCPTrafficExtension":
		kind += ".networking.gke.io"
	}
	return kind, name
}

// said says whether a condition of the object has all the pieces.
func (w *world) said(f *fault, want []string) bool {
	kind, name := f.kindAndName()
	o := w.object(kind, "default", strings.ReplaceAll(name, "$GW", w.name))
	if o == nil {
		return len(want) == 0
	}
	if len(want) == 0 {
		return true
	}
	return slices.ContainsFunc(conditionsOf(o), func(c condition) bool {
		text := c.String()
		return !slices.ContainsFunc(want, func(piece string) bool { return !strings.Contains(text, piece) })
	})
}

// holds waits for the words, and then for the answers.
func (w *world) holds(phase string, f *fault, want []string, r, secure string) {
	w.t.Helper()
	deadlineText := func() string {
		kind, name := f.kindAndName()
		var lines []string
		for _, c := range conditionsOf(w.object(kind, "default", strings.ReplaceAll(name, "$GW", w.name))) {
			lines = append(lines, c.String())
		}
		return fmt.Sprintf("%s: %s says %q\n  %s\n  r.test: %s, foo.test: %s", phase, f.object, want, strings.Join(lines, "\n  "),
			w.answer(or(f.listener, "http"), "http://r.test/"), w.answer("https", "https://foo.test/"))
	}
	ok := func() bool {
		return w.said(f, want) && oneOf(r, w.answer(or(f.listener, "http"), "http://r.test/")) && oneOf(secure, w.answer("https", "https://foo.test/"))
	}
	w.untilText(deadlineText, ok)
	w.t.Log(deadlineText())
	allowed := f.neighbour
	if phase == fromNothing {
		allowed = or(f.neighbourFresh, allowed)
	}
	if got := w.answer("http", "http://good.test/"); !oneOf(allowed, got) {
		w.t.Errorf("%s: the neighbour is answered %s", phase, got)
	}
}

// oneOf: "" allows 200 only, "*" anything.
func oneOf(allowed, answer string) bool {
	if allowed == "*" {
		return true
	}
	if allowed == "" {
		return answer == "200"
	}
	return slices.Contains(strings.Fields(allowed), answer)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// fromNothing is the phase in which nothing of an earlier run is known.
const fromNothing = "from nothing"

func TestTruth(t *testing.T) {
	for i, f := range faults(t) {
		name := fmt.Sprintf("truth-%d", i)
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, name, base(t), f.before)
			w.claims = claimsOf(&f)
			w.serve()
			w.inOrder()
			if f.unpromised {
				w.liar.end()
				w.claims = nil
			}
			if f.early != nil {
				f.early(w)
			}
			w.write(f.fault)
			if f.do != nil {
				f.do(w)
			}
			w.holds("live", &f, f.want, f.live, f.secure)
			w.end()
			w.serve()
			w.holds("after a restart", &f, f.want, f.live, f.secure)
			w.end()
			w.forget()
			freshWant := f.want
			if f.freshWant != nil {
				freshWant = f.freshWant
			}
			w.serve()
			w.holds(fromNothing, &f, freshWant, or(f.fresh, f.live), or(f.secureFresh, f.secure))
			if f.mend != nil {
				f.mend(w)
				w.inOrder()
			}
		})
	}
}

// inOrder waits until everything serves and says so.
func (w *world) inOrder() {
	w.t.Helper()
	w.untilText(func() string { return "everything serves and says so" }, func() bool {
		for _, c := range w.claims {
			promised, _ := w.liar.promised(c)
			if !promised || w.answer(c.listener, c.url) != "200" {
				return false
			}
		}
		return true
	})
}
