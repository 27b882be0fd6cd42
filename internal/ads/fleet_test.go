package ads_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discoveryv3 "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads"
	"github.com/spillway-lb/spillway/internal/ads/client"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// patience bounds every wait.
const patience = time.Minute

// impatient is how a proxy is that leaves controllers soon. Others would be disturbed by a machine that is slow.
func impatient(p *plane) { p.patience = time.Second }

// ear is a controller's Feedback that remembers.
type ear struct {
	mu       sync.Mutex
	open     map[string]int
	reports  map[string]location.Report
	verdicts map[string]string // of proxies, by endpoint
}

func (e *ear) locked(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

func (e *ear) Opened(at string)         { e.locked(func() { e.open[at]++ }) }
func (e *ear) Closed(at string)         { e.locked(func() { e.open[at]--; delete(e.reports, at) }) }
func (e *ear) Report(r location.Report) { e.locked(func() { e.reports[r.Location] = r }) }

func (e *ear) Verdict(name string, v health.Verdict, gone bool) {
	e.locked(func() {
		if e.verdicts[name+" "+v.Address.String()] = v.State.String(); gone {
			delete(e.verdicts, name+" "+v.Address.String())
		}
	})
}

// controller is one that runs.
type controller struct {
	*ads.Server
	*ear
	at   string
	grpc *grpc.Server
}

// startController listens on an address; "" chooses one.
func startController(t *testing.T, at string) *controller {
	t.Helper()
	e := &ear{open: map[string]int{}, reports: map[string]location.Report{}, verdicts: map[string]string{}}
	c := &controller{Server: ads.New(ads.Config{Feedback: e}), ear: e, grpc: grpc.NewServer()}
	c.Register(c.grpc)
	c.listen(t, at)
	return c
}

func (c *controller) listen(t *testing.T, at string) {
	t.Helper()
	if at == "" {
		at = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	c.at = ln.Addr().String()
	server := c.grpc                     // a test may put another one in its place
	go func() { _ = server.Serve(ln) }() // it ends with Stop
	t.Cleanup(server.Stop)
}

func (c *controller) apply(seq uint64, upserts ...*lbv1.Resource) {
	c.Apply(&lbv1.Transaction{Seq: seq, Upserts: upserts})
}

// until waits for what was heard to be so.
func (c *controller) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		var done bool
		c.locked(func() { done = ok() })
		if done {
			return
		}
		if time.Now().After(deadline) {
			c.locked(func() { t.Fatalf("never: %s; open %v, reports %v, verdicts %v", what, c.open, c.reports, c.verdicts) })
		}
	}
}

func (c *controller) untilGone(t *testing.T, name string) {
	t.Helper()
	c.until(t, name+" is gone", func() bool { return c.open[name] == 0 })
}

func (c *controller) untilTaken(t *testing.T, name string, seq uint64) location.Report {
	t.Helper()
	var out location.Report
	c.until(t, fmt.Sprintf("%s has taken %d", name, seq), func() bool {
		out = c.reports[name]
		return out.Seq == seq
	})
	return out
}

// plane is a data plane that does at once what it is told, but for what it refuses.
type plane struct {
	client   *client.Client
	patience time.Duration // 0 is the usual one
	stop     func()

	mu      sync.Mutex
	seq     uint64
	held    map[string]*lbv1.Resource
	refuses map[string]bool // by name on the wire
	refused map[string]bool
	said    []string // the names of each transaction
}

func key(k *lbv1.ResourceKey) string { return k.GetKind() + "/" + k.GetName() }

func (p *plane) Apply(tx *lbv1.Transaction) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq = tx.GetSeq()
	var names []string
	for _, r := range tx.GetUpserts() {
		name := key(lbv1.KeyOf(r))
		names = append(names, name)
		if delete(p.refused, name); p.refuses[name] {
			p.refused[name] = true
			continue
		}
		p.held[name] = r
	}
	for _, k := range tx.GetDeletes() {
		names = append(names, "-"+key(k))
		delete(p.held, key(k))
		delete(p.refused, key(k))
	}
	p.said = append(p.said, strings.Join(names, " "))
	p.client.Report(p.report())
}

func (p *plane) report() location.Report {
	r := location.Report{Location: "here", Seq: p.seq}
	for name := range p.refused {
		kind, rest, _ := strings.Cut(name, "/")
		r.Refused = append(r.Refused, config.Refusal{Kind: kind, Name: rest, Reason: "not here"})
	}
	return r
}

func (p *plane) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for name := range p.held {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (p *plane) transactions() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.said)
}

// startProxy connects to controllers until it is stopped.
func startProxy(t *testing.T, name, region, state string, refuses []string, at ...string) *plane {
	t.Helper()
	return startProxyThat(t, func(*plane) {}, name, region, state, refuses, at...)
}

func startProxyThat(t *testing.T, is func(*plane), name, region, state string, refuses []string, at ...string) *plane {
	t.Helper()
	p := &plane{held: map[string]*lbv1.Resource{}, refuses: map[string]bool{}, refused: map[string]bool{}}
	is(p)
	for _, name := range refuses {
		p.refuses[name] = true
	}
	p.client = client.New(client.Config{
		Controllers: at, Credentials: insecure.NewCredentials(), Name: name, Location: config.Location{Region: region, Zone: region + "-a"},
		State: state, Apply: p.Apply, Logger: slog.New(slog.DiscardHandler), Patience: p.patience,
	})
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(ended)
		p.client.Run(ctx)
	}()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(p.stop)
	return p
}

// rule is a forwarding rule of a region and what it needs.
func rule(name, region string) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{AbortStatus: 404}}},
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: name}}},
		{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: name}}},
		{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			TargetProxy: name, Port: 80, Vips: []*lbv1.Vip{{Region: region, Address: "127.0.0.1"}},
		}}},
	}
}

func allOf(name string) string {
	return "backend_service/" + name + " forwarding_rule/" + name + " target_proxy/" + name + " url_map/" + name
}

func expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func TestAProxyGetsWhatItsRegionNeeds(t *testing.T) {
	c := startController(t, "")
	c.apply(1, append(rule("a", "west"), rule("b", "east")...)...)
	west := startProxy(t, "p1", "west", "", nil, c.at)
	c.untilTaken(t, "west/p1", 1)
	c.apply(2, rule("c", "east")...) // nothing for the west: it has come as far without a word
	c.untilTaken(t, "west/p1", 2)
	changed := rule("a", "west")[:1]
	changed[0].GetBackendService().AbortStatus = 503
	c.apply(3, changed...)
	c.untilTaken(t, "west/p1", 3)
	c.Apply(&lbv1.Transaction{Seq: 4, Deletes: []*lbv1.ResourceKey{{Kind: "forwarding_rule", Name: "a"}}})
	c.untilTaken(t, "west/p1", 4)
	expect(t, "transactions", west.transactions(), []string{
		allOf("a"), "backend_service/a",
		"-backend_service/a -forwarding_rule/a -target_proxy/a -url_map/a",
	})
	west.stop()
	c.until(t, "the proxy is gone", func() bool { return c.open["west/p1"] == 0 })
	if regions := c.Regions(); len(regions) != 0 {
		t.Errorf("regions left: %v", regions)
	}
}

// TestWhatIsRefusedIsNamed and stays as it was, also for the next process; a later version mends it.
func TestWhatIsRefusedIsNamed(t *testing.T) {
	c := startController(t, "")
	state := filepath.Join(t.TempDir(), "kept", "state")
	c.apply(1, rule("a", "west")...)
	p := startProxy(t, "p1", "west", state, nil, c.at)
	c.untilTaken(t, "west/p1", 1)
	p.mu.Lock()
	p.refuses["url_map/a"] = true
	p.mu.Unlock()
	next := rule("a", "west")[1]
	next.GetUrlMap().Owner = &lbv1.Owner{Name: "next"}
	c.apply(2, next)
	r := c.untilTaken(t, "west/p1", 2)
	if len(r.Refused) != 1 || r.Refused[0] != (config.Refusal{Kind: "url_map", Name: "a", Reason: "not here"}) {
		t.Errorf("refused %v", r.Refused)
	}
	p.stop()
	c.untilGone(t, "west/p1")
	again := startProxy(t, "p1", "west", state, []string{"url_map/a"}, c.at)
	r = c.untilTaken(t, "west/p1", 2)
	if len(r.Refused) != 1 {
		t.Errorf("the next process refused %v", r.Refused)
	}
	expect(t, "the next process", again.transactions(), []string{allOf("a"), "url_map/a"})
}

// TestAnotherControllerGoesOn where the first one ended: it has seen the same objects, and numbers its transactions otherwise.
func TestAnotherControllerGoesOn(t *testing.T) {
	first, second := startController(t, ""), startController(t, "")
	first.apply(700, rule("a", "west")...)
	p := startProxy(t, "p1", "west", "", nil, first.at, second.at)
	first.untilTaken(t, "west/p1", 700)
	first.grpc.Stop()
	second.apply(3, append(rule("a", "west"), rule("b", "west")...)...)
	second.untilTaken(t, "west/p1", 3)
	second.apply(4, rule("c", "west")...)
	second.untilTaken(t, "west/p1", 4)
	expect(t, "transactions", p.transactions(), []string{allOf("a"), allOf("b"), allOf("c")})
}

// TestAProxyOutlivesItsController: it serves what it kept when nobody answers, and asks for the differences when somebody does.
func TestAProxyOutlivesItsController(t *testing.T) {
	c := startController(t, "")
	state := filepath.Join(t.TempDir(), "state")
	c.apply(1, append(rule("a", "west"), rule("b", "west")...)...)
	p := startProxy(t, "p1", "west", state, nil, c.at)
	c.untilTaken(t, "west/p1", 1)
	p.stop()
	c.grpc.Stop()
	again := startProxy(t, "p1", "west", state, nil, c.at)
	select {
	case <-again.client.Configured():
	case <-time.After(patience):
		t.Fatal("never configured")
	}
	want := append(strings.Fields(allOf("a")), strings.Fields(allOf("b"))...)
	slices.Sort(want)
	expect(t, "without a controller", again.names(), want)
	back := startController(t, c.at)
	back.apply(1, append(rule("a", "west"), rule("c", "west")...)...)
	back.untilTaken(t, "west/p1", 1)
	if said := again.transactions(); len(said) != 2 || strings.Contains(said[1], "/a") || !strings.Contains(said[1], "-url_map/b") {
		t.Errorf("transactions %q", said)
	}
}

// TestALargeModel comes in parts and is applied as one.
func TestALargeModel(t *testing.T) {
	c := startController(t, "")
	var all []*lbv1.Resource
	for i := range 50 {
		r := rule(fmt.Sprintf("r%02d", i), "west")
		r[2].GetTargetProxy().Description = strings.Repeat("x", 100_000)
		all = append(all, r...)
	}
	c.apply(1, all...)
	p := startProxy(t, "p1", "west", "", nil, c.at)
	c.untilTaken(t, "west/p1", 1)
	if said := p.transactions(); len(said) != 1 || len(strings.Fields(said[0])) != 200 {
		t.Errorf("%d transactions", len(said))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range all {
		if !proto.Equal(r, p.held[key(lbv1.KeyOf(r))]) {
			t.Errorf("%s differs", key(lbv1.KeyOf(r)))
		}
	}
}

// TestVerdictsAreOfTheirProxy: who of several counts is its hearer's matter.
func TestVerdictsAreOfTheirProxy(t *testing.T) {
	c := startController(t, "")
	c.apply(1, rule("a", "west")...)
	verdict := func(at string, state lbv1.HealthState) health.Verdict {
		return health.Verdict{Check: "hc", Address: netip.MustParseAddrPort(at), State: state}
	}
	one := startProxy(t, "p1", "west", "", nil, c.at)
	two := startProxy(t, "p2", "west", "", nil, c.at)
	two.client.Verdict("here", verdict("10.0.0.1:80", lbv1.HealthState_UNHEALTHY), false)
	one.client.Verdict("here", verdict("10.0.0.1:80", lbv1.HealthState_HEALTHY), false)
	one.client.Verdict("here", verdict("10.0.0.3:80", lbv1.HealthState_HEALTHY), false)
	c.until(t, "all verdicts", func() bool {
		return c.verdicts["west/p1 10.0.0.1:80"] == "HEALTHY" && c.verdicts["west/p2 10.0.0.1:80"] == "UNHEALTHY" && len(c.verdicts) == 3
	})
	one.client.Verdict("here", verdict("10.0.0.3:80", lbv1.HealthState_HEALTHY), true)
	c.until(t, "one is gone", func() bool { return len(c.verdicts) == 2 })
}

// TestANewConnectionTakesThePlaceOfAnOldOne of the same name, which a dead network may leave behind.
func TestANewConnectionTakesThePlaceOfAnOldOne(t *testing.T) {
	c := startController(t, "")
	c.apply(1, rule("a", "west")...)
	startProxy(t, "p1", "west", "", nil, c.at)
	c.untilTaken(t, "west/p1", 1)
	other := startProxy(t, "p1", "west", "", nil, c.at)
	c.until(t, "one of the name", func() bool { return c.open["west/p1"] == 1 && len(other.names()) == 4 })
}

func TestNobodyIsServedBeforeTheFirstRound(t *testing.T) {
	c := startController(t, "")
	p := startProxy(t, "p1", "west", "", nil, c.at)
	select {
	case <-p.client.Configured():
		t.Fatal("configured by a controller that knows nothing")
	case <-time.After(50 * time.Millisecond): // it may only be slower than that
	}
	c.Follow(nil)
	select {
	case <-p.client.Configured():
	case <-time.After(patience):
		t.Fatal("never configured")
	}
	c.until(t, "an empty report", func() bool { _, ok := c.reports["west/p1"]; return ok })
}

// hardOfHearing does not take the first word.
type hardOfHearing struct {
	*ads.Server
	heard atomic.Int32
}

func (h *hardOfHearing) StreamReports(s grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]) error {
	if h.heard.Add(1) > 1 {
		return h.Server.StreamReports(s)
	}
	if _, err := s.Recv(); err != nil {
		return err
	}
	return status.Error(codes.Internal, "what?")
}

// TestAReportThatIsNotTaken is sent again.
func TestAReportThatIsNotTaken(t *testing.T) {
	e := &ear{open: map[string]int{}, reports: map[string]location.Report{}, verdicts: map[string]string{}}
	c := &controller{Server: ads.New(ads.Config{Feedback: e}), ear: e, grpc: grpc.NewServer()}
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(c.grpc, c.Server)
	wire.RegisterReports(c.grpc, &hardOfHearing{Server: c.Server})
	c.listen(t, "127.0.0.1:0")
	c.apply(1, rule("a", "west")...)
	startProxy(t, "p1", "west", "", nil, c.at)
	c.untilTaken(t, "west/p1", 1)
}

// TestWhatWasTakenBackMeanwhile is taken back from a proxy that refused it, too: it may accept it one day.
func TestWhatWasTakenBackMeanwhile(t *testing.T) {
	first, second := startController(t, ""), startController(t, "")
	first.apply(1, rule("a", "west")...)
	p := startProxy(t, "p1", "west", "", []string{"url_map/a", "url_map/b"}, first.at, second.at)
	p.mu.Lock()
	delete(p.refuses, "url_map/a")
	p.mu.Unlock()
	first.untilTaken(t, "west/p1", 1)
	p.mu.Lock()
	p.refuses["url_map/a"] = true
	p.mu.Unlock()
	next := rule("a", "west")[1]
	next.GetUrlMap().Owner = &lbv1.Owner{Name: "next"}
	first.apply(2, append(rule("b", "west"), next)...)
	if r := first.untilTaken(t, "west/p1", 2); len(r.Refused) != 2 {
		t.Fatalf("refused %v", r.Refused)
	}
	p.mu.Lock()
	clear(p.refuses)
	p.mu.Unlock()
	first.grpc.Stop()
	second.apply(1, rule("a", "west")...)
	if r := second.untilTaken(t, "west/p1", 1); len(r.Refused) != 0 {
		t.Errorf("refused still: %v", r.Refused)
	}
	said := p.transactions()
	if last := said[len(said)-1]; !strings.HasPrefix(last, "url_map/a ") || !strings.Contains(last, "-url_map/b") {
		t.Errorf("taken back: %q", last)
	}
}

// TestAControllerThatHasNothingIsLeft for one that has: it is connected, and not ready.
func TestAControllerThatHasNothingIsLeft(t *testing.T) {
	first, second := startController(t, ""), startController(t, "")
	second.apply(1, rule("a", "west")...)
	startProxyThat(t, impatient, "p1", "west", "", nil, first.at, second.at)
	second.untilTaken(t, "west/p1", 1)
}

// deaf takes no words, as one that hangs does not, though its connections live.
type deaf struct{ *ads.Server }

func (deaf) StreamReports(s grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]) error {
	<-s.Context().Done()
	return s.Context().Err()
}

// TestAControllerThatHangsIsLeft for another: it has answered once, and then takes no word. So is one that knows that it hangs.
func TestAControllerThatHangsIsLeft(t *testing.T) {
	for name, hangs := range map[string]func(*controller){
		"without a word": func(c *controller) {
			discoveryv3.RegisterAggregatedDiscoveryServiceServer(c.grpc, c.Server)
			wire.RegisterReports(c.grpc, deaf{c.Server})
		},
		"and says so": func(c *controller) {
			c.Server = ads.New(ads.Config{Feedback: c.ear, Stuck: func() bool { return true }})
			c.Register(c.grpc)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := &ear{open: map[string]int{}, reports: map[string]location.Report{}, verdicts: map[string]string{}}
			first, second := &controller{Server: ads.New(ads.Config{Feedback: e}), ear: e, grpc: grpc.NewServer()}, startController(t, "")
			hangs(first)
			first.listen(t, "")
			first.apply(1, rule("a", "west")...)
			second.apply(1, rule("b", "west")...)
			p := startProxyThat(t, impatient, "p1", "west", "", nil, first.at, second.at)
			second.untilTaken(t, "west/p1", 1)
			expect(t, "from the second one", p.names(), strings.Fields(allOf("b")))
		})
	}
}

// TestASilentControllerIsAsked whether it does its work: it has to take words.
func TestASilentControllerIsAsked(t *testing.T) {
	first := startController(t, "")
	h := &counting{Server: first.Server}
	first.grpc = grpc.NewServer()
	discoveryv3.RegisterAggregatedDiscoveryServiceServer(first.grpc, first.Server)
	wire.RegisterReports(first.grpc, h)
	first.listen(t, "")
	first.apply(1, rule("a", "west")...)
	startProxyThat(t, impatient, "p1", "west", "", nil, first.at)
	first.untilTaken(t, "west/p1", 1)
	first.until(t, "it is asked", func() bool { return h.words.Load() > 5 })
}

// counting counts the words that it takes.
type counting struct {
	*ads.Server
	words atomic.Int32
}

func (c *counting) StreamReports(s grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]) error {
	return c.Server.StreamReports(&counted{s, c})
}

type counted struct {
	grpc.BidiStreamingServer[fleetv1.Word, fleetv1.Heard]
	by *counting
}

func (c *counted) Recv() (*fleetv1.Word, error) {
	word, err := c.BidiStreamingServer.Recv()
	if err == nil {
		c.by.words.Add(1)
	}
	return word, err
}

// TestAProxyWithMuchComesBack: what it has by name is more than the 4 MiB that gRPC takes by itself.
func TestAProxyWithMuchComesBack(t *testing.T) {
	s := ads.New(ads.Config{Feedback: &ear{open: map[string]int{}, reports: map[string]location.Report{}}})
	s.Follow(nil)
	at, err := s.Listen(t.Context(), "127.0.0.1:0", insecure.NewCredentials())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(at.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	stream, err := discoveryv3.NewAggregatedDiscoveryServiceClient(conn).DeltaAggregatedResources(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]string{}
	for i := range 50_000 {
		has[fmt.Sprintf("backend_service/%060d", i)] = strings.Repeat("f", 64)
	}
	if err := stream.Send(&discoveryv3.DeltaDiscoveryRequest{
		Node: &corev3.Node{Id: "p1", Locality: &corev3.Locality{Region: "west"}}, TypeUrl: wire.TypeURL, InitialResourceVersions: has,
	}); err != nil {
		t.Fatal(err)
	}
	if answer, err := stream.Recv(); err != nil || len(answer.GetRemovedResources()) != len(has) {
		t.Errorf("%d removed, %v", len(answer.GetRemovedResources()), err)
	}
}
