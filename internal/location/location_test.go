package location

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
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
