package health

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

const (
	healthy   = lbv1.HealthState_HEALTHY
	unhealthy = lbv1.HealthState_UNHEALTHY
	unknown   = lbv1.HealthState_UNKNOWN
)

func every(interval time.Duration) *lbv1.HealthCheck {
	return &lbv1.HealthCheck{
		Type: lbv1.HealthCheck_HTTP, CheckInterval: durationpb.New(interval), Timeout: durationpb.New(time.Second),
		HealthyThreshold: 2, UnhealthyThreshold: 3,
	}
}

func at(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80)
}

// world runs a core against endpoints whose state the test sets.
type world struct {
	t      *testing.T
	core   *Core
	now    time.Duration
	answer map[netip.AddrPort]Outcome
	told   map[user]Verdict
	at     map[user]time.Duration // when it was told
	probes map[netip.AddrPort]int
}

func newWorld(t *testing.T) *world {
	return &world{
		t: t, core: NewCore(), answer: map[netip.AddrPort]Outcome{}, told: map[user]Verdict{}, at: map[user]time.Duration{},
		probes: map[netip.AddrPort]int{},
	}
}

func (w *world) tell(verdicts []Verdict) {
	for _, v := range verdicts {
		w.told[user{v.Check, v.Address}] = v
		w.at[user{v.Check, v.Address}] = w.now
	}
}

func (w *world) check(name string, h *lbv1.HealthCheck) { w.tell(w.core.SetCheck(name, h, w.now)) }

func (w *world) add(check string, endpoints ...int) {
	for _, i := range endpoints {
		w.tell(w.core.Add(check, at(i), w.now))
	}
}

func (w *world) set(o Outcome, endpoints ...int) {
	for _, i := range endpoints {
		w.answer[at(i)] = o
	}
}

// run lets time pass in ticks of 10 ms; probes answer at once.
func (w *world) run(d time.Duration) {
	for end := w.now + d; w.now < end; w.now += 10 * time.Millisecond {
		for _, job := range w.core.Tick(w.now, 1000) {
			w.probes[job.Address]++
			w.tell(w.core.Result(job, w.answer[job.Address]))
		}
	}
}

func (w *world) want(check string, i int, state lbv1.HealthState) {
	w.t.Helper()
	if got := w.told[user{check, at(i)}].State; got != state {
		w.t.Errorf("at %v: endpoint %d is %v, want %v", w.now, i, got, state)
	}
}

var (
	ok      = Outcome{OK: true, Detail: "HTTP 200"}
	refused = Outcome{Detail: "connection refused"}
	silence = Outcome{Silent: true, Detail: "no answer in 1s"}
	own     = Outcome{Own: true, Detail: "no probe could be made"}
)

func TestOneSuccessIsEnoughAtFirst(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(10*time.Second))
	w.add("hc", 1)
	w.set(ok, 1)
	w.run(10 * time.Millisecond)
	w.want("hc", 1, healthy)
}

// An endpoint that was never healthy is asked again soon, so that a start is noticed.
func TestSlowStart(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(15*time.Second))
	w.add("hc", 1)
	w.set(refused, 1)
	w.run(10 * time.Millisecond)
	w.want("hc", 1, unhealthy) // the first verdict, whoever waits for it
	w.run(2 * time.Second)
	w.set(ok, 1)
	w.run(3 * time.Second)
	w.want("hc", 1, healthy)
	if w.probes[at(1)] > 6 {
		t.Errorf("%d probes in 5 s", w.probes[at(1)])
	}
}

func TestThresholds(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1)
	w.set(ok, 1)
	w.run(5 * time.Second)
	w.set(refused, 1)
	failedAt := w.now
	w.run(5 * time.Second)
	w.want("hc", 1, unhealthy)
	if took := w.at[user{"hc", at(1)}] - failedAt; took < 1600*time.Millisecond || took > 3*time.Second {
		t.Errorf("unhealthy after %v, want three failures within three intervals", took)
	}
	w.set(ok, 1)
	backAt := w.now
	w.run(5 * time.Second)
	w.want("hc", 1, healthy)
	if took := w.at[user{"hc", at(1)}] - backAt; took < 900*time.Millisecond || took > 2*time.Second {
		t.Errorf("healthy after %v, want two successes", took)
	}
}

func TestAFlappingEndpointKeepsItsState(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1)
	w.set(ok, 1)
	w.run(time.Second)
	for range 10 {
		w.set(refused, 1)
		w.run(1900 * time.Millisecond) // two probes, the threshold is three
		w.set(ok, 1)
		w.run(time.Second)
		w.want("hc", 1, healthy)
	}
}

func TestIdenticalChecksShareProbes(t *testing.T) {
	w := newWorld(t)
	w.check("a", every(time.Second))
	w.check("b", every(time.Second))
	w.set(ok, 1)
	w.add("a", 1)
	w.run(3 * time.Second)
	w.add("b", 1)
	w.want("b", 1, healthy) // known at once
	if w.core.Len() != 1 {
		t.Errorf("%d probes", w.core.Len())
	}
	w.set(refused, 1)
	w.run(4 * time.Second)
	w.want("a", 1, unhealthy)
	w.want("b", 1, unhealthy)
	w.core.Remove("a", at(1))
	w.core.Remove("b", at(1))
	if _, due := w.core.Next(); due || w.core.Len() != 0 {
		t.Error("a probe that nobody wants is left")
	}
}

func TestUsersAreCounted(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1, 1)
	w.core.Remove("hc", at(1))
	if w.core.Len() != 1 {
		t.Fatal("removed while still in use")
	}
	w.core.Remove("hc", at(1))
	w.core.Remove("hc", at(1))
	if w.core.Len() != 0 {
		t.Error("not removed")
	}
}

func TestAResultThatNobodyWants(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1)
	jobs := w.core.Tick(0, 10)
	w.core.Remove("hc", at(1))
	if got := w.core.Result(jobs[0], ok); got != nil {
		t.Errorf("%v", got)
	}
}

// Another path is tried at once; a healthy endpoint has to fail as often as the threshold says.
func TestChangeOfACheck(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1, 2)
	w.set(ok, 1)
	w.set(refused, 2)
	w.run(5 * time.Second)
	changed := every(time.Second)
	changed.RequestPath = "/healthz"
	w.set(refused, 1)
	w.set(ok, 2)
	w.check("hc", changed)
	w.run(20 * time.Millisecond)
	w.want("hc", 1, healthy)
	w.want("hc", 2, healthy)
	w.run(3 * time.Second)
	w.want("hc", 1, unhealthy)
	if w.core.Len() != 2 {
		t.Errorf("%d probes", w.core.Len())
	}
	w.core.RemoveCheck("hc")
	if w.core.Len() != 0 {
		t.Error("probes of a check that is gone")
	}
}

// A prober that loses sight of most endpoints at once does not take them all out.
func TestCutOff(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	for i := range 20 {
		w.add("hc", i)
		w.set(ok, i)
	}
	w.run(5 * time.Second)
	for i := range 20 {
		w.set(silence, i)
	}
	w.run(10 * time.Second)
	for i := range 20 {
		w.want("hc", i, unknown)
	}
	for i := range 19 {
		w.set(ok, i)
	}
	w.run(5 * time.Second)
	w.want("hc", 0, healthy)
	w.want("hc", 19, unhealthy) // silent while the others can be seen
}

// Refused connections and half of a fleet are no reason to doubt the prober.
func TestNotCutOff(t *testing.T) {
	for name, lost := range map[string]struct {
		endpoints int
		outcome   Outcome
	}{"all refuse": {20, refused}, "half is silent": {10, silence}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.check("hc", every(time.Second))
			for i := range 20 {
				w.add("hc", i)
				w.set(ok, i)
			}
			w.run(5 * time.Second)
			for i := range lost.endpoints {
				w.set(lost.outcome, i)
			}
			w.run(5 * time.Second)
			for i := range lost.endpoints {
				w.want("hc", i, unhealthy)
			}
		})
	}
}

func TestProbesSpread(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(10*time.Second))
	for i := range 1000 {
		w.add("hc", i)
		w.set(ok, i)
	}
	w.run(100 * time.Millisecond)
	most := 0
	for range 100 {
		before := total(w.probes)
		w.run(100 * time.Millisecond)
		most = max(most, total(w.probes)-before)
	}
	if most > 60 { // 1,000 probes within 5 s are 20 in 100 ms
		t.Errorf("%d probes in 100 ms", most)
	}
}

func total(m map[netip.AddrPort]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

func TestTickIsBounded(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1, 2, 3)
	if got := len(w.core.Tick(0, 2)); got != 2 {
		t.Errorf("%d jobs", got)
	}
	if got := len(w.core.Tick(0, 2)); got != 1 {
		t.Errorf("%d jobs more", got)
	}
	if got := len(w.core.Tick(0, 2)); got != 0 {
		t.Errorf("a probe under way was started again: %d", got)
	}
}

// Random edits leave the counters and the queue in order.
func TestRandomEdits(t *testing.T) {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	uses := map[user]int{}
	checks := []string{"a", "b", "c"}
	for range 1500 {
		u := user{checks[random.IntN(3)], at(random.IntN(12))}
		switch random.IntN(5) {
		case 0:
			w.check(u.Check, every(time.Duration(1+random.IntN(3))*time.Second))
		case 1, 2:
			if _, ok := w.core.checks[u.Check]; ok {
				w.tell(w.core.Add(u.Check, u.Address, w.now))
				uses[u]++
			}
		case 3:
			if uses[u] > 0 {
				w.core.Remove(u.Check, u.Address)
				uses[u]--
			}
		case 4:
			w.answer[u.Address] = []Outcome{ok, refused, silence}[random.IntN(3)]
			w.run(300 * time.Millisecond)
		}
		wanted := 0
		for _, n := range uses {
			wanted += n
		}
		if got := len(w.core.users()); got != wanted {
			t.Fatalf("%d uses, want %d", got, wanted)
		}
		if err := w.core.inOrder(); err != nil {
			t.Fatal(err)
		}
	}
}

// inOrder compares the counters with what they count.
func (c *Core) inOrder() error {
	alive, silent, waiting := c.alive, c.silent, len(c.queue)
	for _, p := range c.probes {
		c.count(p, -1)
		if !p.running {
			waiting--
		}
	}
	defer func() { c.alive, c.silent = alive, silent }()
	if c.alive != 0 || c.silent != 0 || waiting != 0 {
		return fmt.Errorf("counters are off by %d alive, %d silent, %d in the queue", c.alive, c.silent, waiting)
	}
	return nil
}

func BenchmarkCore(b *testing.B) {
	c := NewCore()
	c.SetCheck("hc", every(time.Second), 0)
	for i := range 10000 {
		c.Add("hc", at(i), 0)
	}
	now := time.Duration(0)
	for b.Loop() {
		now += time.Microsecond
		for _, job := range c.Tick(now, 1) {
			c.Result(job, ok)
		}
	}
}

// TestOwnFailuresSayNothing: a prober that is out of descriptors says UNKNOWN of one endpoint as of many, and never
// UNHEALTHY; what was UNHEALTHY stays so, and needs its successes.
func TestOwnFailuresSayNothing(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1, 2)
	w.set(ok, 1, 2)
	w.run(3 * time.Second)
	w.set(refused, 2)
	w.run(6 * time.Second)
	w.want("hc", 1, healthy)
	w.want("hc", 2, unhealthy)
	w.set(own, 1, 2)
	w.run(1500 * time.Millisecond)
	w.want("hc", 1, healthy) // not yet
	w.run(time.Minute)
	w.want("hc", 1, unknown)
	w.want("hc", 2, unhealthy)
	w.set(ok, 1, 2)
	w.run(1010 * time.Millisecond)
	w.want("hc", 1, healthy)
	w.want("hc", 2, unhealthy)
	w.run(2 * time.Second)
	w.want("hc", 2, healthy)
}

// TestOwnFailuresAtFirst: an endpoint that could not be asked yet is unknown.
func TestOwnFailuresAtFirst(t *testing.T) {
	w := newWorld(t)
	w.check("hc", every(time.Second))
	w.add("hc", 1)
	w.set(own, 1)
	w.run(10 * time.Second)
	w.want("hc", 1, unknown)
	w.set(refused, 1)
	w.run(10 * time.Second)
	w.want("hc", 1, unhealthy)
}

// TestIntervalsAreBounded: a check cannot ask for probes without a pause, or for none at all.
func TestIntervalsAreBounded(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{1: minInterval, time.Second: time.Second, 1 << 62: maxInterval} {
		if got := settingsOf(every(asked)).Interval; got != want {
			t.Errorf("%v becomes %v, want %v", asked, got, want)
		}
	}
	w := newWorld(t)
	w.check("hc", every(1))
	w.add("hc", 1)
	w.set(ok, 1)
	w.run(time.Second)
	if n := w.probes[at(1)]; n > 40 {
		t.Errorf("%d probes in a second", n)
	}
}
