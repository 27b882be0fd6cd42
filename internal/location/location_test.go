package location

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
)

// endpoint is what every backend service of these tests has.
var endpoint = netip.MustParseAddrPort("127.0.0.1:9")

// service is a backend service with one endpoint and a health check.
func service(name string) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{Type: lbv1.HealthCheck_TCP}}},
		{Name: name + "-neg", Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		{Name: name + "-neg/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
			Group: name + "-neg", Endpoints: []*lbv1.Endpoint{{Address: "127.0.0.1", Port: 9}},
		}}},
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			HealthCheck: name, Backends: []*lbv1.Backend{{Group: name + "-neg"}},
		}}},
	}
}

// broken refers to a health check that does not exist.
func broken(name string) *lbv1.Resource {
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{HealthCheck: "none"}}}
}

// recorder is the prober and the proxy of a location, and hears how transactions ended.
type recorder struct {
	verdict  lbv1.HealthState // given when a root is followed; UNKNOWN gives none
	checks   []string
	awaiting []int // services without a verdict, for each published root
	applied  chan string
}

func (r *recorder) Follow(root *config.Root) {
	if r.verdict == lbv1.HealthState_UNKNOWN {
		return
	}
	for _, check := range r.checks {
		root.SetHealth(check, endpoint, r.verdict)
	}
}

func (r *recorder) publish(root *config.Root) error {
	r.awaiting = append(r.awaiting, len(root.Awaiting()))
	return nil
}

func start(t *testing.T, r *recorder) *Location {
	r.applied = make(chan string, 10)
	l := New(Config{Root: config.New(config.Location{}), Prober: r, Publish: r.publish, Applied: func(seq uint64, err error) {
		var refused *config.Refused
		r.applied <- fmt.Sprint(seq, errors.As(err, &refused))
	}})
	go l.Run(t.Context())
	return l
}

func (r *recorder) expect(t *testing.T, want string) {
	t.Helper()
	if got := <-r.applied; got != want {
		t.Errorf("applied %q, want %q", got, want)
	}
}

func TestARootIsPublishedWithItsFirstVerdicts(t *testing.T) {
	r := &recorder{verdict: lbv1.HealthState_HEALTHY, checks: []string{"a"}}
	l := start(t, r)
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: service("a")})
	r.expect(t, "1 false")
	if r.awaiting[0] != 0 {
		t.Error("published without a verdict")
	}
}

func TestTheWaitIsBounded(t *testing.T) {
	r := &recorder{}
	l := start(t, r)
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: service("a")})
	r.expect(t, "1 false")
	if r.awaiting[0] != 1 {
		t.Error("there was a verdict that nobody gave")
	}
}

func TestALaterTransactionMendsARefusedOne(t *testing.T) {
	r := &recorder{verdict: lbv1.HealthState_HEALTHY, checks: []string{"a", "b"}}
	l := start(t, r)
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: append(service("a"), broken("b"))})
	r.expect(t, "1 true") // the rest of it is in force
	l.Apply(&lbv1.Transaction{Seq: 2, Upserts: service("b")})
	r.expect(t, "2 false")
}

func TestMergeKeepsTheNewerWord(t *testing.T) {
	older := &lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{broken("a"), broken("b")}, Deletes: []*lbv1.ResourceKey{{Kind: "url_map", Name: "x"}}}
	newer := &lbv1.Transaction{
		Seq: 2, Deletes: []*lbv1.ResourceKey{{Kind: "backend_service", Name: "a"}},
		Upserts: []*lbv1.Resource{{Name: "x", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{}}}},
	}
	got := merge(older, newer)
	if got.GetSeq() != 2 || len(got.GetUpserts()) != 2 || got.GetUpserts()[0].GetName() != "b" || len(got.GetDeletes()) != 1 {
		t.Errorf("merged to %v", got)
	}
}

// unpublished publishes with an error until it has been asked often enough.
func unpublished(t *testing.T, times int) (l *Location, said chan string) {
	said = make(chan string, 10)
	l = New(Config{
		Root: config.New(config.Location{}), Prober: &recorder{}, Retry: time.Millisecond,
		Publish: func(*config.Root) error {
			if times--; times >= 0 {
				return errors.New("in use")
			}
			return nil
		},
		Applied: func(seq uint64, err error) { said <- fmt.Sprint(seq, " ", err) },
	})
	go l.Run(t.Context())
	return l, said
}

func expectSaid(t *testing.T, said chan string, want ...string) {
	t.Helper()
	for _, want := range want {
		if got := <-said; got != want {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}

// TestAFailedPublicationIsTriedAgain without a transaction, and told when it has worked, once.
func TestAFailedPublicationIsTriedAgain(t *testing.T) {
	l, said := unpublished(t, 4)
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: []*lbv1.Resource{{Name: "d", Body: &lbv1.Resource_BackendService{
		BackendService: &lbv1.BackendService{AbortStatus: 404},
	}}}})
	expectSaid(t, said, "1 in use", "1 <nil>")
}

// TestARefusedTransactionDoesNotEndTheRetry comes after a publication that did not work: what is said last has the number
// of the refused one, or it would count as old.
func TestARefusedTransactionDoesNotEndTheRetry(t *testing.T) {
	said := make(chan [2]uint64, 10)
	free := make(chan struct{})
	l := New(Config{
		Root: config.New(config.Location{}), Prober: &recorder{}, Retry: time.Millisecond,
		Publish: func(*config.Root) error {
			select {
			case <-free:
				return nil
			default:
				return errors.New("in use")
			}
		},
		Applied: func(seq uint64, err error) {
			var refused *config.Refused
			if errors.As(err, &refused) {
				said <- [2]uint64{seq, refused.Seq}
				return
			}
			said <- [2]uint64{seq, 0}
		},
	})
	go l.Run(t.Context())
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: service("a")})
	if got := <-said; got != [2]uint64{1, 0} {
		t.Fatalf("said %v", got)
	}
	l.Apply(&lbv1.Transaction{Seq: 2, Upserts: []*lbv1.Resource{broken("b")}})
	if got := <-said; got != [2]uint64{1, 2} {
		t.Fatalf("said %v of the refused one", got)
	}
	close(free)
	if got := <-said; got != [2]uint64{1, 2} {
		t.Fatalf("said %v of the retry", got)
	}
}

// TestWhatCannotDoItsPartIsTriedAgain without a transaction, and told.
func TestWhatCannotDoItsPartIsTriedAgain(t *testing.T) {
	asked, said := 0, make(chan string, 10)
	provider := func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		if asked++; asked > 3 {
			return &extension.Chains{}, nil
		}
		return &extension.Chains{Faults: []extension.Fault{{Kind: "wasm_plugin_version", Name: "v", Text: fmt.Sprint("try ", asked), Again: time.Now()}}}, nil
	}
	var published *config.Root
	l := New(Config{
		Root: config.NewWith(config.Location{}, provider), Prober: &recorder{}, Retry: time.Millisecond,
		Publish: func(r *config.Root) error { published = r; return nil },
		Applied: func(seq uint64, err error) { said <- fmt.Sprint(seq, err, published.Faults()) },
	})
	go l.Run(t.Context())
	l.Apply(&lbv1.Transaction{Seq: 7, Upserts: []*lbv1.Resource{
		{Name: "d", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		{Name: "m", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "d"}}},
		{Name: "p", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "m"}}},
	}})
	expectSaid(t, said,
		"7 <nil> [{wasm_plugin_version v try 1}]", "7 <nil> [{wasm_plugin_version v try 2}]", "7 <nil> [{wasm_plugin_version v try 3}]", "7 <nil> []")
}

// TestATryThatIsRefusedIsToldOnce, however often it is made, and that it works in the end.
func TestATryThatIsRefusedIsToldOnce(t *testing.T) {
	asked, said := 0, make(chan string, 10)
	provider := func(string, *lbv1.TargetProxy, extension.Resources) (*extension.Chains, error) {
		switch asked++; {
		case asked == 1:
			return &extension.Chains{Faults: []extension.Fault{{Kind: "wasm_plugin_version", Name: "v", Again: time.Now()}}}, nil
		case asked < 6:
			return nil, errors.New("no room")
		}
		return &extension.Chains{}, nil
	}
	l := New(Config{
		Root: config.NewWith(config.Location{}, provider), Prober: &recorder{}, Retry: time.Millisecond,
		Publish: func(*config.Root) error { return nil },
		Applied: func(seq uint64, err error) {
			if refused := (*config.Refused)(nil); errors.As(err, &refused) {
				t.Errorf("%v is said to be in quarantine", refused.Resources)
			}
			said <- fmt.Sprint(seq, err)
		},
	})
	go l.Run(t.Context())
	l.Apply(&lbv1.Transaction{Seq: 7, Upserts: []*lbv1.Resource{
		{Name: "d", Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		{Name: "m", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: "d"}}},
		{Name: "p", Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: "m"}}},
	}})
	expectSaid(t, said, "7 <nil>",
		`7 what cannot do its part cannot be tried again: target_proxy "p": no room`, "7 <nil>")
}

// TestRefusedTriesBecomeRare, and frequent again when one is not refused.
func TestRefusedTriesBecomeRare(t *testing.T) {
	var pause time.Duration
	for i, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		if pause = nextPause(pause, againPause, true); pause != want*time.Second {
			t.Errorf("pause %d is %v, want %d s", i, pause, want)
		}
	}
	if got := nextPause(pause, againPause, false); got != againPause {
		t.Errorf("then %v", got)
	}
}

// TestATransactionThatChangesNothingHere is dealt with all the same: who waits for every location waits no more.
func TestATransactionThatChangesNothingHere(t *testing.T) {
	l, said := unpublished(t, 0)
	l.Apply(&lbv1.Transaction{Seq: 1, Upserts: service("a")})
	expectSaid(t, said, "1 <nil>")
	l.Apply(&lbv1.Transaction{Seq: 2})
	expectSaid(t, said, "2 <nil>")
}

// What changes beside transactions is told when it has.
func TestSpeak(t *testing.T) {
	said := make(chan uint64)
	l := New(Config{Root: config.New(config.Location{}), Prober: &recorder{}, Applied: func(seq uint64, _ error) { said <- seq }})
	go l.Run(t.Context())
	l.Speak()
	if seq := <-said; seq != 0 {
		t.Errorf("seq %d", seq)
	}
}
