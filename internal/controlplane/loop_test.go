package controlplane

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

const kindGateway = "Gateway.gateway.networking.k8s.io"

var web = store.Ref{Cluster: "c", Kind: kindGateway, Namespace: "n", Name: "web"}

// publishes makes a backend service and a status that says how far the proxies are with it.
func publishes(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	object, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok {
		return recompute.Result{}
	}
	said := "nothing"
	if p, ok := recompute.Fact[fact.Progress](v, fact.ProgressOf(ref)); ok {
		said = p.String()
	}
	return recompute.Result{
		State: recompute.Present,
		Resources: []*lbv1.Resource{{Name: ref.Name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			Owner: owner.Of(ref), Description: object.ResourceVersion, AbortStatus: 500,
		}}}},
		Writes: []recompute.Write{{Ref: ref, Part: recompute.PartStatus, Value: said}},
	}
}

// ends are the sink, the model and the applier of a loop.
type ends struct {
	mu       sync.Mutex
	model    map[string]*lbv1.Resource
	newest   uint64
	statuses []string
}

func (e *ends) Follow([]config.Location) {}

func (e *ends) Apply(tx *lbv1.Transaction) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.newest = tx.GetSeq()
	for _, r := range tx.GetUpserts() {
		e.model[keyOf(r)] = r
	}
}

func (e *ends) Get(kind, name string) *lbv1.Resource {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.model[kind+" "+name]
}

func (e *ends) seq() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.newest
}

func (e *ends) said() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.statuses...)
}

// applier records statuses.
type applier struct{ *ends }

func (a applier) Apply(changes []recompute.WriteChange, _ []string, _ time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last := ""
	for _, c := range changes {
		last, _ = c.Value.(string)
	}
	if last != "" {
		a.statuses = append(a.statuses, last)
	}
}

func (a applier) Expire(time.Time) {}

func startLoop(t *testing.T) (*Loop, *ends, *store.Store) {
	t.Helper()
	s, e := store.New(), &ends{model: map[string]*lbv1.Resource{}}
	l := New(Config{
		Store: s, Model: e, Applier: applier{e}, Say: t.Logf, Now: time.Now,
		Engine: recompute.New(recompute.Config{
			Units: map[string]recompute.Translator{"gateway": publishes}, Roots: []recompute.Root{{Kind: kindGateway, Unit: "gateway"}},
		}),
	})
	l.To(e)
	l.Opened("a")
	put(s, "1")
	go l.Run(t.Context())
	return l, e, s
}

func put(s *store.Store, version string) {
	s.Commit(func(tx *store.Tx) {
		tx.Put("c", &gatewayv1.Gateway{
			TypeMeta:   metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "web", ResourceVersion: version, Generation: int64(len(version))},
			Spec:       gatewayv1.GatewaySpec{GatewayClassName: gatewayv1.ObjectName("v" + version)},
		}, "")
	})
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.After(20 * time.Second); !f(); {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}

func last(said []string) string {
	if len(said) == 0 {
		return ""
	}
	return said[len(said)-1]
}

func TestStatusesWaitForTheProxies(t *testing.T) {
	l, e, s := startLoop(t)
	eventually(t, "published", func() bool { return e.seq() == 1 })
	l.Report(location.Report{Location: "a", Seq: 1})
	eventually(t, "told", func() bool { return last(e.said()) == "1 of 1 proxy has it" })
	put(s, "2")
	eventually(t, "published again", func() bool { return e.seq() == 2 })
	l.Report(location.Report{Location: "a", Seq: 2, Refused: []config.Refusal{{Kind: "backend_service", Name: "web", Reason: "no"}}})
	eventually(t, "the refusal is told", func() bool { return last(e.said()) == "the proxy in a refuses it: backend_service web: no" })
	for _, said := range e.said() {
		if said != "1 of 1 proxy has it" && said != last(e.said()) {
			t.Errorf("said %q on the way", said)
		}
	}
}

// TestAProxyThatHangsIsPending never reports: the status says so when its time is over, and never more than that.
func TestAProxyThatHangsIsPending(t *testing.T) {
	l, e, s := startLoop(t)
	eventually(t, "told", func() bool { return last(e.said()) == "0 of 1 proxy has it" })
	put(s, "2")
	eventually(t, "published again", func() bool { return e.seq() == 2 })
	l.Opened("b")
	l.Report(location.Report{Location: "b", Seq: 2})
	eventually(t, "the other one counts", func() bool { return last(e.said()) == "1 of 2 proxies have it" })
	l.Closed("a")
	eventually(t, "the one that hangs has gone", func() bool { return last(e.said()) == "1 of 1 proxy has it" })
}

// TestALoopThatHangs says so after some minutes, and one that waits for something to do does not hang.
func TestALoopThatHangs(t *testing.T) {
	var late atomic.Int64 // the clock's advance
	now := func() time.Time { return time.Now().Add(time.Duration(late.Load())) }
	block, blocked := make(chan struct{}), make(chan struct{}, 1)
	s, e := store.New(), &ends{model: map[string]*lbv1.Resource{}}
	l := New(Config{
		Store: s, Model: e, Applier: applier{e}, Say: t.Logf, Now: now, Engine: recompute.New(recompute.Config{}),
		Await: func(context.Context, uint64) {
			select {
			case blocked <- struct{}{}:
			default:
			}
			<-block
		},
	})
	l.To(e)
	go l.Run(t.Context())
	<-blocked
	if l.Stuck() {
		t.Error("a turn has only begun")
	}
	late.Store(int64(stuckTime + time.Minute))
	if !l.Stuck() {
		t.Error("a turn takes minutes")
	}
	close(block)
	eventually(t, "it waits again", func() bool { return !l.Stuck() })
	late.Store(int64(3 * stuckTime))
	eventually(t, "nothing is to be done", func() bool { return !l.Stuck() })
}

func TestVerdictsAreFactsUntilTheirLocationGoes(t *testing.T) {
	l, _, s := startLoop(t)
	at := netip.MustParseAddrPort("127.0.0.1:9")
	f := fact.Health(fact.Probe{Location: "a", Check: "hc", Endpoint: at})
	state := func() any { return s.Snapshot().Fact(f) }
	for _, want := range []lbv1.HealthState{lbv1.HealthState_HEALTHY, lbv1.HealthState_UNHEALTHY} {
		l.Verdict("a", health.Verdict{Check: "hc", Address: at, State: want}, false)
		eventually(t, "the verdict is a fact", func() bool { return state() == fact.Verdict{State: want} })
	}
	l.Verdict("nowhere", health.Verdict{Check: "hc", Address: at, State: lbv1.HealthState_HEALTHY}, false)
	l.Closed("a")
	eventually(t, "it goes with its location", func() bool { return len(s.Snapshot().Facts(fact.KindHealth)) == 0 })
	l.Opened("a")
	l.Verdict("a", health.Verdict{Check: "hc", Address: at, State: lbv1.HealthState_HEALTHY}, false)
	eventually(t, "a new one is a fact", func() bool { return state() != nil })
	l.Verdict("a", health.Verdict{Check: "hc", Address: at}, true)
	eventually(t, "it goes with its endpoint", func() bool { return state() == nil })
}

// TestFlappingCostsLittle counts the revisions that a thousand verdicts make.
func TestFlappingCostsLittle(t *testing.T) {
	l, e, s := startLoop(t)
	eventually(t, "published", func() bool { return e.seq() == 1 })
	l.Report(location.Report{Location: "a", Seq: 1})
	eventually(t, "told", func() bool { return last(e.said()) == "1 of 1 proxy has it" })
	before, began := s.Snapshot().Revision(), time.Now()
	at := netip.MustParseAddrPort("127.0.0.1:9")
	f := fact.Health(fact.Probe{Location: "a", Check: "hc", Endpoint: at})
	for i := range 1000 {
		l.Verdict("a", health.Verdict{Check: "hc", Address: at, State: lbv1.HealthState(1 + i%2)}, false)
	}
	eventually(t, "the last verdict is a fact", func() bool { return s.Snapshot().Fact(f) == fact.Verdict{State: lbv1.HealthState(1 + 999%2)} })
	if made, most := s.Snapshot().Revision()-before, 2+uint64(time.Since(began)/verdictInterval); made > most {
		t.Errorf("a thousand verdicts made %d revisions in %v", made, time.Since(began))
	}
}

// TestAddressesStayOverARestart runs the first round of a process that inherits a forwarding rule: the unit sees whose its
// address is.
func TestAddressesStayOverARestart(t *testing.T) {
	s, e := store.New(), &ends{model: map[string]*lbv1.Resource{}}
	seen := make(chan any, 100)
	l := New(Config{
		Store: s, Model: e, Applier: applier{e}, Say: t.Logf, Now: time.Now,
		Inherited: &lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{
			{Name: "web", Body: &lbv1.Resource_ForwardingRule{
				ForwardingRule: &lbv1.ForwardingRule{
					Owner: owner.Of(web), TargetProxy: "web", Port: 80, Vips: []*lbv1.Vip{{Region: "a", Address: "127.0.0.9"}},
				},
			}},
			{Name: "web", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "web"}}},
			{Name: "web", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "web"}}},
			{Name: "web", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		}},
		Engine: recompute.New(recompute.Config{
			Units: map[string]recompute.Translator{"gateway": func(v *recompute.View, _ string) recompute.Result {
				seen <- v.Fact(fact.Holder("127.0.0.9"))
				return recompute.Result{State: recompute.Present}
			}}, Roots: []recompute.Root{{Kind: kindGateway, Unit: "gateway"}},
		}),
	})
	l.To(e)
	put(s, "1")
	go l.Run(t.Context())
	if got := <-seen; got != web.String() {
		t.Errorf("the first round saw holder %v", got)
	}
}

// TestWhatIsDeletedGoesWhenProxiesHaveDroppedIt deletes an object with a finalizer: it is there until the last proxy has taken
// the transaction without it, whoever hangs meanwhile.
func TestWhatIsDeletedGoesWhenProxiesHaveDroppedIt(t *testing.T) {
	s, e := store.New(), &ends{model: map[string]*lbv1.Resource{}}
	l := New(Config{
		Store: s, Model: e, Applier: status.NewWriter(s, status.Limits{}), Say: t.Logf, Now: time.Now,
		Engine: recompute.New(recompute.Config{
			Units: map[string]recompute.Translator{"gateway": leaves}, Roots: []recompute.Root{{Kind: kindGateway, Unit: "gateway"}},
		}),
	})
	l.To(e)
	l.Opened("a")
	l.Opened("b")
	s.Commit(func(tx *store.Tx) { // a file's: an API server would say by itself when it is gone
		tx.Put("c", &gatewayv1.Gateway{
			TypeMeta: metav1.TypeMeta{APIVersion: "gateway.networking.k8s.io/v1", Kind: "Gateway"}, ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "web"},
		}, "web.yaml:1")
	})
	go l.Run(t.Context())
	there := func() *store.Entry { return s.Snapshot().Get(web) }
	report := func(at string, seq uint64) { l.Report(location.Report{Location: at, Seq: seq}) }
	eventually(t, "published", func() bool { return e.seq() == 1 })
	report("a", 1)
	report("b", 1)
	eventually(t, "it has a finalizer", func() bool { return there().Written != nil && len(there().Written.Finalizers) == 1 })
	s.Commit(func(tx *store.Tx) { tx.Remove(web, time.Now()) })
	eventually(t, "its resource is deleted", func() bool { return e.seq() == 2 })
	report("a", 2)
	eventually(t, "the one that hangs is told of", func() bool {
		return there().Written.Status != nil && there().Written.Status.(*gatewayv1.GatewayStatus).Conditions[0].Message == "1 of 2 proxies have it"
	})
	report("b", 2)
	eventually(t, "it is gone", func() bool { return there() == nil })
}

// leaves makes a backend service of an object that is not being deleted.
func leaves(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	object, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok {
		return recompute.Result{}
	}
	left, _ := finalizer.Left(v, ref)
	out := recompute.Result{State: recompute.Present, Writes: []recompute.Write{
		finalizer.Of(v, ref, object, "example.com/stays"),
		{Ref: ref, Part: recompute.PartStatus, Value: &gatewayv1.GatewayStatus{Conditions: []metav1.Condition{{Type: "Left", Message: left.String()}}}},
	}}
	if !finalizer.Deleted(object) {
		out.Resources = []*lbv1.Resource{{Name: ref.Name, Body: &lbv1.Resource_BackendService{
			BackendService: &lbv1.BackendService{Owner: owner.Of(ref), AbortStatus: 500},
		}}}
	}
	return out
}
