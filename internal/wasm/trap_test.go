package wasm

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/wasm/wat"
)

// crashing is a plugin whose request callback does what it is given when the request has a body to come, and whose response
// callback works.
func crashing(code ...wat.Code) []byte {
	b := wat.New()
	b.Plugin()
	inner := b.Function(".inner", ">", 0, code...)
	b.Function("proxy_on_request_headers", "iii>i", 0, wat.Local(2), wat.Eqz, wat.If(wat.Call(inner)), wat.I32(0))
	b.Function("proxy_on_response_headers", "iii>i", 0, wat.I32(0))
	return b.Module()
}

// short is a deadline for guests that never end.
const short = 250 * time.Millisecond

func TestTrapsSayWhy(t *testing.T) {
	recursion := wat.Call(2) // the function itself: the third of the module
	for name, c := range map[string]struct {
		code     wat.Code
		want     string
		deadline bool
	}{
		"unreachable":    {wat.Unreachable, "unreachable", false},
		"endless":        {wat.Forever(), "took longer than 250ms", true},
		"out of bounds":  {wat.Cat(wat.LoadFrom(-4), wat.Drop), "out of bounds memory access", false},
		"deep recursion": {recursion, "stack overflow", false},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := patience
			if c.deadline {
				timeout = short
			}
			p, _ := start(t, crashing(c.code), Options{}, PluginConfig{Timeout: timeout})
			s := stream(t, p, properties{})
			defer func() { _ = s.Close() }()
			_, err := s.RequestHeaders(headersOf(""), false)
			var trap *Trap
			if !errors.As(err, &trap) || trap.Callback != "proxy_on_request_headers" || !strings.Contains(trap.Reason, c.want) || trap.Deadline != c.deadline {
				t.Fatalf("%v", err)
			}
			if name == "unreachable" && (len(trap.Stack) != 2 || !strings.Contains(trap.Stack[0], ".inner")) {
				t.Errorf("stack %q", trap.Stack)
			}
			if _, err := s.ResponseHeaders(headersOf(""), true); !errors.Is(err, ErrLost) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// A guest that wants more memory than there may be does not get it, and its crash says so.
func TestMemoryIsLimited(t *testing.T) {
	grow := wat.Cat(wat.I32(1), wat.MemoryGrow, wat.I32(-1), wat.Ne, wat.If(wat.Branch(1)))
	p, _ := start(t, crashing(wat.Loop(grow), wat.Unreachable), Options{}, PluginConfig{})
	s := stream(t, p, properties{})
	defer func() { _ = s.Close() }()
	if _, err := s.RequestHeaders(headersOf(""), false); err == nil || !strings.Contains(err.Error(), "its memory is at the limit of 16 MiB") {
		t.Error(err)
	}
}

// Streams have instances of their own, so that a crash of one is no other's; its instance is not used again.
func TestACrashIsNobodyElses(t *testing.T) {
	p, _ := start(t, crashing(wat.Unreachable), Options{}, PluginConfig{})
	var streams []*Stream
	for range 5 {
		s := stream(t, p, properties{})
		streams = append(streams, s)
		if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
			t.Fatal(err)
		}
	}
	victim := stream(t, p, properties{})
	if _, err := victim.RequestHeaders(headersOf(""), false); !IsCrash(err) {
		t.Fatal(err)
	}
	for _, s := range streams {
		if _, err := s.ResponseHeaders(headersOf(""), true); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	_ = victim.Close()
	if got := p.Stats(); got.Instances != 5 || got.Idle != 5 {
		t.Errorf("%+v", got)
	}
}

// Beyond the budget streams share instances. Those that share one that crashes hear of it.
func TestStreamsShareBeyondTheBudget(t *testing.T) {
	p, _ := start(t, crashing(wat.Unreachable), Options{}, PluginConfig{MemoryBudget: 2 * pageSize})
	a, b := stream(t, p, properties{}), stream(t, p, properties{})
	if got := p.Stats(); got.Instances != 1 {
		t.Fatalf("%+v", got)
	}
	if _, err := a.RequestHeaders(headersOf(""), false); !IsCrash(err) || errors.Is(err, ErrLost) {
		t.Errorf("the one that crashed: %v", err)
	}
	if _, err := b.RequestHeaders(headersOf(""), true); !errors.Is(err, ErrLost) {
		t.Errorf("the other: %v", err)
	}
	_, _ = a.Close(), b.Close()
	c := stream(t, p, properties{})
	if _, err := c.RequestHeaders(headersOf(""), true); err != nil {
		t.Errorf("the next: %v", err)
	}
	_ = c.Close()
}

func TestRestarts(t *testing.T) {
	var r restarts
	now := time.Unix(1000, 0)
	for i := range freeRestarts {
		if r.crashed(now); !r.allowed(now) {
			t.Fatalf("crash %d is punished", i+1)
		}
	}
	var delays []time.Duration
	for range 10 {
		r.crashed(now)
		from := now
		for !r.allowed(now) {
			now = now.Add(firstDelay / 4)
		}
		delays = append(delays, now.Sub(from))
	}
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 100, 100, 100} {
		if delays[i] != want*firstDelay {
			t.Errorf("delay %d is %v", i, delays[i])
		}
	}
	now = now.Add(forgivenAfter + 1)
	if r.crashed(now); !r.allowed(now) {
		t.Error("not forgiven")
	}
}

// A plugin that crashes again and again is restarted ever more slowly, and serves again when its time has come.
func TestRestartsAreThrottled(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1000, 0)
	pass := func(d time.Duration) time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
		return now
	}
	p, _ := start(t, crashing(wat.Unreachable), Options{}, PluginConfig{Now: func() time.Time { return pass(0) }})
	for range freeRestarts + 1 {
		s := stream(t, p, properties{})
		if _, err := s.RequestHeaders(headersOf(""), false); !IsCrash(err) {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	if _, err := p.Stream(properties{}); !errors.Is(err, ErrThrottled) || !strings.Contains(err.Error(), "the last time: plugin crashed in proxy_on_request_headers: wasm error: unreachable") {
		t.Fatalf("not throttled, or not for the crash: %v", err)
	}
	pass(firstDelay)
	s := stream(t, p, properties{})
	if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
		t.Error(err)
	}
	_ = s.Close()
}

// Instances of a rush go away, those that are needed stay.
func TestIdleInstancesGoAway(t *testing.T) {
	p, _ := start(t, crashing(), Options{}, PluginConfig{})
	var streams []*Stream
	for range 50 {
		streams = append(streams, stream(t, p, properties{}))
	}
	for _, s := range streams {
		_ = s.Close()
	}
	before := p.Stats().Idle
	if old := p.reap(time.Now()); len(old) != 0 {
		t.Errorf("%d go at once", len(old))
	}
	old := p.reap(time.Now().Add(idleFor + time.Minute))
	for _, in := range old {
		in.shutdown()
	}
	if after := p.Stats().Idle; before != 50 || after+len(old) != 50 || after == 0 || after == 50 {
		t.Errorf("%d before, %d after, %d gone", before, after, len(old))
	}
}

// Many streams at once, some of which crash: those that do not, work.
func TestConcurrentStreams(t *testing.T) {
	p, _ := start(t, crashing(wat.Unreachable), Options{}, PluginConfig{})
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 50 {
				s, err := p.Stream(properties{})
				if errors.Is(err, ErrThrottled) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				crash := worker == 0 && i%10 == 0
				_, err = s.RequestHeaders(headersOf(""), !crash)
				if crash != IsCrash(err) {
					t.Errorf("crash %v: %v", crash, err)
				}
				_ = s.Close()
			}
		})
	}
	wg.Wait()
}

// A plugin that is closed still serves exchanges that hold on to it, and keeps no instance.
func TestAClosedPluginServesWhoHoldsIt(t *testing.T) {
	p, _ := start(t, crashing(), Options{}, PluginConfig{})
	early := stream(t, p, properties{})
	p.Close()
	late := stream(t, p, properties{})
	for _, s := range []*Stream{early, late} {
		if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if got := p.Stats(); got.Instances != 0 {
		t.Errorf("%+v", got)
	}
}

// A guest whose allocator asks the host for bytes would do so for ever.
func TestAllocatorsAreNotEnteredTwice(t *testing.T) {
	b := wat.New()
	get := host(b, "proxy_get_buffer_bytes")
	b.Function("proxy_abi_version_0_2_1", ">", 0)
	b.Function("malloc", "i>i", 0, checked(get, int32(internalFailure), wat.I32(7), wat.I32(0), wat.I32(9), outs()), wat.I32(4096))
	b.Function("proxy_on_request_headers", "iii>i", 0, checked(get, 0, wat.I32(7), wat.I32(0), wat.I32(9), outs()), wat.I32(0))
	p, _ := start(t, b.Module(), Options{}, PluginConfig{Configuration: []byte("config")})
	s := stream(t, p, properties{})
	defer func() { _ = s.Close() }()
	if _, err := s.RequestHeaders(headersOf(""), true); err != nil {
		t.Error(err)
	}
}

// A trap in the allocator ends the callback that wanted bytes.
func TestAllocatorsMayTrap(t *testing.T) {
	for name, c := range map[string]struct {
		malloc wat.Code
		want   string
	}{"trap": {wat.Unreachable, "unreachable"}, "endless": {wat.Forever(), "took longer"}} {
		b := wat.New()
		get := host(b, "proxy_get_buffer_bytes")
		b.Function("proxy_abi_version_0_2_1", ">", 0)
		b.Function("malloc", "i>i", 0, c.malloc)
		b.Function("proxy_on_request_headers", "iii>i", 0, wat.I32(7), wat.I32(0), wat.I32(9), outs(), wat.Call(get))
		p, _ := start(t, b.Module(), Options{}, PluginConfig{Configuration: []byte("config"), Timeout: short})
		s := stream(t, p, properties{})
		if _, err := s.RequestHeaders(headersOf(""), true); !IsCrash(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		_ = s.Close()
	}
}

// A call that returns just when its time is up is the one that fails, not the next request's.
func TestAnExpiryIsOfItsOwnCall(t *testing.T) {
	p, _ := start(t, crashing(), Options{}, PluginConfig{})
	a := stream(t, p, properties{})
	a.in.expire() // as if the watchdog's last look came with the guest's return
	if _, err := a.RequestHeaders(headersOf(""), true); !IsCrash(err) {
		t.Errorf("%v", err)
	}
	_ = a.Close()
	b := stream(t, p, properties{})
	defer func() { _ = b.Close() }()
	if b.in == a.in {
		t.Fatal("the instance is used again")
	}
	if _, err := b.RequestHeaders(headersOf(""), true); err != nil {
		t.Error(err)
	}
}

// Streams that begin after a crash do not get the instance that crashed.
func TestBrokenInstancesAreNotShared(t *testing.T) {
	p, _ := start(t, crashing(wat.Unreachable), Options{}, PluginConfig{MemoryBudget: 2 * pageSize})
	a := stream(t, p, properties{})
	if _, err := a.RequestHeaders(headersOf(""), false); !IsCrash(err) {
		t.Fatal(err)
	}
	b := stream(t, p, properties{}) // before a ends
	if _, err := b.RequestHeaders(headersOf(""), true); err != nil {
		t.Error(err)
	}
	_, _ = a.Close(), b.Close()
	if got := p.Stats(); got.Instances != 1 || got.Idle != 1 {
		t.Errorf("%+v", got)
	}
}

// Streams that find no instance, but one that is being started, wait for it.
func TestABurstWaitsForTheFirstInstance(t *testing.T) {
	p, _ := start(t, crashing(), Options{}, PluginConfig{MemoryBudget: 1})
	p.mu.Lock()
	first := p.idle[0]
	p.idle, p.starting = nil, 1
	p.mu.Unlock()
	results := make(chan error)
	const n = 3
	for range n {
		go func() {
			s, err := p.Stream(properties{})
			if err == nil {
				err = s.Close()
			}
			results <- err
		}()
	}
	until(t, "all wait", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.waiting == n
	})
	p.mu.Lock()
	p.starting = 0
	p.idle = append(p.idle, first)
	p.started.Broadcast()
	p.mu.Unlock()
	for range n {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
