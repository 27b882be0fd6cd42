package dataplanes_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/dataplanes"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// patience bounds every wait.
const patience = time.Minute

// ear is a Feedback that remembers.
type ear struct {
	mu       sync.Mutex
	said     []string // opened and closed
	reports  map[string]location.Report
	verdicts map[string]lbv1.HealthState // by location; the newest
	gone     map[string]int
}

func newEar() *ear {
	return &ear{reports: map[string]location.Report{}, verdicts: map[string]lbv1.HealthState{}, gone: map[string]int{}}
}

func (e *ear) locked(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

func (e *ear) Opened(at string) { e.locked(func() { e.said = append(e.said, "opened "+at) }) }
func (e *ear) Closed(at string) { e.locked(func() { e.said = append(e.said, "closed "+at) }) }
func (e *ear) Report(r location.Report) {
	e.locked(func() { e.reports[r.Location] = r })
}

func (e *ear) Verdict(at string, v health.Verdict, gone bool) {
	e.locked(func() {
		if gone {
			e.gone[at]++
			return
		}
		e.verdicts[at] = v.State
	})
}

// until waits for what was heard to be so.
func (e *ear) until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		var done bool
		e.locked(func() { done = ok() })
		if done {
			return
		}
		if time.Now().After(deadline) {
			e.locked(func() { t.Fatalf("never: %s; said %v, reports %v, verdicts %v", what, e.said, e.reports, e.verdicts) })
		}
	}
}

func (e *ear) untilTaken(t *testing.T, at string, seq uint64) location.Report {
	t.Helper()
	e.until(t, fmt.Sprintf("%s has taken %d", at, seq), func() bool { return e.reports[at].Seq >= seq })
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.reports[at]
}

func freePort(t *testing.T) uint32 {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	return uint32(ln.Addr().(*net.TCPAddr).Port)
}

// of is what a forwarding rule of a region needs: everything goes to a backend, which is probed.
func of(name, region string, port uint32, backend netip.AddrPort) []*lbv1.Resource {
	return []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_ForwardingRule{ForwardingRule: &lbv1.ForwardingRule{
			Vips: []*lbv1.Vip{{Address: "127.0.0.1", Region: region}}, Port: port, TargetProxy: name,
		}}},
		{Name: name, Body: &lbv1.Resource_TargetProxy{TargetProxy: &lbv1.TargetProxy{UrlMap: name}}},
		{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{DefaultService: name, ListenerHosts: []string{"*"}}}},
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: &lbv1.BackendService{
			Backends: []*lbv1.Backend{{Group: name}}, HealthCheck: name,
		}}},
		{Name: name, Body: &lbv1.Resource_HealthCheck{HealthCheck: &lbv1.HealthCheck{Type: lbv1.HealthCheck_HTTP, CheckInterval: durationpb.New(time.Second)}}},
		{Name: name, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{Shards: 1}}},
		{Name: name + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
			Group: name, Endpoints: []*lbv1.Endpoint{{Address: backend.Addr().String(), Port: uint32(backend.Port())}},
		}}},
	}
}

// rig is a set with data planes in east and west, and a backend that answers with a text.
type rig struct {
	set     *dataplanes.Set
	ear     *ear
	backend netip.AddrPort
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	r := &rig{ear: newEar(), backend: netip.MustParseAddrPort(strings.TrimPrefix(server.URL, "http://"))}
	r.set = dataplanes.New(dataplanes.Config{Feedback: r.ear, Logger: slog.New(slog.DiscardHandler)})
	r.set.Follow([]config.Location{{Region: "west"}, {Region: "east"}})
	t.Cleanup(func() { _ = r.set.Drain(patience) })
	return r
}

// get asks a port of this machine.
func get(t *testing.T, port uint32) (string, error) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
	if err != nil {
		return "", err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	return string(body), err
}

// TestEachLocationServesItsOwn: what the forwarding rules of a location reach, and it probes and reports no more.
func TestEachLocationServesItsOwn(t *testing.T) {
	r, port := newRig(t), freePort(t)
	r.set.Apply(&lbv1.Transaction{Seq: 1, Upserts: of("w", "west", port, r.backend)})
	for _, at := range []string{"west", "east"} {
		if report := r.ear.untilTaken(t, at, 1); report.Trouble != nil || len(report.Unbound) > 0 {
			t.Errorf("%s: %+v", at, report)
		}
	}
	if body, err := get(t, port); body != "hello" {
		t.Errorf("answer %q, %v", body, err)
	}
	r.ear.until(t, "the endpoint is healthy in west", func() bool { return r.ear.verdicts["west"] == lbv1.HealthState_HEALTHY })
	r.ear.locked(func() {
		if state, ok := r.ear.verdicts["east"]; ok {
			t.Errorf("east probes what it does not reach, and finds it %v", state)
		}
	})
	if got := r.set.Locations(); !slices.Equal(got, []string{"east", "west"}) {
		t.Errorf("locations %v", got)
	}
	for _, d := range r.set.All() {
		if n := len(d.Proxy.Bound()); (n == 1) != (d.Location == "west") {
			t.Errorf("%s has %d listeners", d.Location, n)
		}
	}
}

// TestALocationThatComesLater starts with all that was published for it; one that goes stops listening, and is not heard of any more.
func TestALocationThatComesLater(t *testing.T) {
	r, port := newRig(t), freePort(t)
	r.set.Apply(&lbv1.Transaction{Seq: 1, Upserts: of("n", "north", port, r.backend)})
	if body, err := get(t, port); err == nil {
		t.Fatalf("nobody is in north, and answers %q", body)
	}
	r.set.Follow([]config.Location{{Region: "north"}})
	r.ear.untilTaken(t, "north", 1)
	if body, err := get(t, port); body != "hello" {
		t.Errorf("answer %q, %v", body, err)
	}
	r.ear.locked(func() {
		if want := []string{"opened west", "opened east", "opened north"}; !slices.Equal(r.ear.said[:3], want) || len(r.ear.said) != 5 {
			t.Errorf("said %v", r.ear.said)
		}
	})
	r.set.Follow(nil)
	r.ear.until(t, "nobody listens", func() bool {
		_, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err != nil
	})
	if len(r.set.All()) != 0 {
		t.Errorf("left: %v", r.set.Locations())
	}
}

// TestWhatIsAmissIsReported: what is refused with its name, a port that another program has with the one in its place, until it is free.
func TestWhatIsAmissIsReported(t *testing.T) {
	r, port := newRig(t), freePort(t)
	held, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Close() })
	all := of("w", "west", port, r.backend)
	all = append(all, &lbv1.Resource{Name: "bad", Body: &lbv1.Resource_RouteRule{RouteRule: &lbv1.RouteRule{
		UrlMap: "w", ListenerHost: "*", Host: "*", Precedence: "1",
		Match:  &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Regex{Regex: "("}},
		Action: &lbv1.RouteRule_Forward{Forward: &lbv1.Forward{Backends: []*lbv1.WeightedBackend{{BackendService: "w", Weight: 1}}}},
	}}})
	r.set.Apply(&lbv1.Transaction{Seq: 1, Upserts: all})
	report := r.ear.untilTaken(t, "west", 1)
	if len(report.Refused) != 1 || report.Refused[0].Kind != "route_rule" || report.Refused[0].Name != "bad" {
		t.Errorf("refused: %v", report.Refused)
	}
	if len(report.Elsewhere) != 1 || report.Elsewhere[0].Requested.Port() != uint16(port) || !strings.Contains(report.Elsewhere[0].Text, "in use") {
		t.Fatalf("elsewhere: %+v", report.Elsewhere)
	}
	if body, err := get(t, uint32(report.Elsewhere[0].Actual.Port())); body != "hello" {
		t.Errorf("the port in its place answers %q, %v", body, err)
	}
	_ = held.Close()
	r.ear.until(t, "the own port is bound", func() bool { return len(r.ear.reports["west"].Elsewhere) == 0 })
	if body, err := get(t, port); body != "hello" {
		t.Errorf("the own port answers %q, %v", body, err)
	}
}

// TestAVerdictIsWithdrawn when nobody probes the endpoint any more.
func TestAVerdictIsWithdrawn(t *testing.T) {
	r := newRig(t)
	all := of("w", "west", freePort(t), r.backend)
	r.set.Apply(&lbv1.Transaction{Seq: 1, Upserts: all})
	r.ear.until(t, "there is a verdict", func() bool { return r.ear.verdicts["west"] == lbv1.HealthState_HEALTHY })
	tx := &lbv1.Transaction{Seq: 2}
	for _, x := range all {
		tx.Deletes = append(tx.Deletes, lbv1.KeyOf(x))
	}
	r.set.Apply(tx)
	r.ear.until(t, "it is withdrawn", func() bool { return r.ear.gone["west"] == 1 })
}

// TestDrainLetsRequestsEnd and closes what listens first.
func TestDrainLetsRequestsEnd(t *testing.T) {
	r, port := newRig(t), freePort(t)
	began, end := make(chan struct{}), make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/slow" {
			close(began)
			<-end
		}
		_, _ = io.WriteString(w, "whole")
	}))
	t.Cleanup(slow.Close)
	r.set.Apply(&lbv1.Transaction{Seq: 1, Upserts: of("w", "west", port, netip.MustParseAddrPort(strings.TrimPrefix(slow.URL, "http://")))})
	r.ear.untilTaken(t, "west", 1)
	answered := make(chan string, 1)
	go func() {
		res, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/slow", port))
		if err != nil {
			answered <- err.Error()
			return
		}
		defer func() { _ = res.Body.Close() }()
		body, _ := io.ReadAll(res.Body)
		answered <- string(body)
	}()
	<-began
	drained := make(chan error, 1)
	go func() { drained <- r.set.Drain(patience) }()
	r.ear.until(t, "nobody listens", func() bool {
		_, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		return err != nil
	})
	close(end)
	if got := <-answered; got != "whole" {
		t.Errorf("the request in flight got %q", got)
	}
	if err := <-drained; err != nil {
		t.Error(err)
	}
}
