package downstream

import (
	"strings"
	"testing"
)

var stateNames = [h1States]string{
	"-", "fresh", "idle", "resting", "quiet", "woken", "leaving", "inHead", "asked", "slow", "ending", "handed", "over",
}

// TestEveryStateAndEvent walks the table. Each line is a state, each column an event, - what does not happen.
func TestEveryStateAndEvent(t *testing.T) {
	const want = `
         part    whole  bad     preface  next  last    passed   parting  drained  moved  ended
fresh    inHead  asked  ending  handed   -     -       quiet    leaving  woken    fresh  over
idle     inHead  asked  ending  -        -     -       resting  leaving  woken    -      over
resting  -       -      -       -        -     -       -        -        resting  quiet  over
quiet    inHead  asked  ending  handed   -     -       over     leaving  woken    -      over
woken    inHead  asked  ending  handed   -     -       leaving  leaving  woken    woken  over
leaving  inHead  asked  ending  handed   -     -       over     over     leaving  -      over
inHead   inHead  asked  ending  handed   -     -       slow     slow     inHead   -      over
asked    -       -      -       -        idle  ending  -        -        asked    -      over
slow     -       -      -       -        -     -       -        -        slow     -      over
ending   -       -      -       -        -     -       -        -        ending   -      over
handed   -       -      -       -        -     -       -        -        handed   -      over
over     -       -      -       -        -     -       -        -        over     -      over
`
	lines := strings.Split(strings.TrimSpace(want), "\n")
	if columns := len(strings.Fields(lines[0])); columns != int(h1Events) || len(lines) != int(h1States) {
		t.Fatalf("%d events and %d states here, %d and %d there", columns, len(lines)-1, h1Events, h1States-1)
	}
	for i, line := range lines[1:] {
		words := strings.Fields(line)
		s := h1State(i + 1)
		if words[0] != stateNames[s] {
			t.Fatalf("line %d is of %s, not %s", i, words[0], stateNames[s])
		}
		for e, to := range words[1:] {
			if got := stateNames[h1Table[s][e]]; got != to {
				t.Errorf("%s, event %s: %s, want %s", words[0], strings.Fields(lines[0])[e], got, to)
			}
		}
	}
}

// TestStatesLeadOn: each state is reached, each comes to an end, no deadline leaves a connection where it is, and the proxy's
// draining, which comes from another goroutine at any time, is possible everywhere and starts nothing.
func TestStatesLeadOn(t *testing.T) {
	reached := map[h1State]bool{fresh: true}
	for range h1States {
		for s := range reached {
			for _, to := range h1Table[s] {
				if to != impossible {
					reached[to] = true
				}
			}
		}
	}
	for s := fresh; s < h1States; s++ {
		if !reached[s] {
			t.Errorf("%s is never reached", stateNames[s])
		}
		if h1Table[s][ended] != over {
			t.Errorf("%s does not end", stateNames[s])
		}
		if h1Table[s][passed] == s || h1Table[s][parting] == s {
			t.Errorf("a deadline leaves %s as it is", stateNames[s])
		}
		if to := h1Table[s][drained]; to != s && to != woken {
			t.Errorf("draining leads from %s to %s", stateNames[s], stateNames[to])
		}
		for n, at := 0, s; at != over; n++ { // of a client that says nothing more
			e := parting
			if h1Table[at][e] == impossible {
				break
			}
			if at = h1Table[at][e]; n > int(h1States) {
				t.Fatalf("%s waits for ever while the proxy drains", stateNames[s])
			}
		}
	}
}

// TestImpossibleEventsAreFaults: what the table does not have ends the connection by way of its guard.
func TestImpossibleEventsAreFaults(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("nobody objects")
		}
	}()
	asked.after(whole)
}

func BenchmarkStatesOfRequest(b *testing.B) {
	c := &h1Conn{}
	c.state.Store(uint32(idle))
	for range b.N {
		c.on(whole)
		c.on(next)
	}
}
