package proxy_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// parting is a proxy with a request at an endpoint that is about to leave.
type parting struct {
	*rig
	m       *model
	client  *http.Client
	old     *lbv1.Endpoint
	release func()
	done    chan string
}

// newParting sends a request to /half, the first half of whose answer comes, or to /none.
func newParting(t *testing.T, version int, path string, limit time.Duration) *parting {
	reached, free := make(chan struct{}, 1), make(chan struct{})
	l := &parting{done: make(chan string, 1), client: netClient(t, version), release: sync.OnceFunc(func() { close(free) })}
	t.Cleanup(l.release)
	old := httpBackend(t, func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/half" {
			_, _ = io.WriteString(w, "half ")
			w.(http.Flusher).Flush()
		}
		reached <- struct{}{}
		<-free
		_, _ = io.WriteString(w, "old")
	})
	l.rig = newRig(t, []string{old}, func(m *model) {
		l.m = m
		if limit > 0 {
			m.service.DrainingTimeout = durationpb.New(limit)
		}
	})
	l.old = l.m.shard.GetEndpoints()[0]
	go func() { l.done <- l.ask(path) }()
	<-reached
	return l
}

// ask tells the status and the body, or what is missing of it.
func (l *parting) ask(path string) string {
	res, err := l.client.Get("http://" + l.addr + path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Sprintf("%d %s cut", res.StatusCode, body)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, body)
}

// leave has another endpoint serve; the old one drains, or has gone.
func (l *parting) leave(t *testing.T, drains bool) {
	other := httpBackend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })
	l.m.shard = endpointShard("neg", []string{other})
	if drains {
		l.m.shard.Endpoints = append(l.m.shard.Endpoints, &lbv1.Endpoint{Address: l.old.GetAddress(), Port: l.old.GetPort(), Draining: true})
	}
	next := l.m.model()
	next.Seq = 2
	if err := l.Replace(next); err != nil {
		t.Fatal(err)
	}
}

// TestDrainingTimeoutCutsWhatTakesLonger: an endpoint that leaves gets nothing new at once. Its requests have the draining time of the
// backend service, and all the time they need without one.
func TestDrainingTimeoutCutsWhatTakesLonger(t *testing.T) {
	for _, version := range []int{1, 2} {
		for path, cut := range map[string]string{"/none": "502 upstream connection closed", "/half": "200 half  cut"} {
			for _, drains := range []bool{true, false} {
				t.Run(fmt.Sprintf("HTTP %d %s drains %v", version, path[1:], drains), func(t *testing.T) {
					t.Parallel()
					kept, limited := newParting(t, version, path, 0), newParting(t, version, path, time.Second)
					kept.leave(t, drains)
					limited.leave(t, drains)
					for _, l := range []*parting{kept, limited} {
						if got := l.ask("/"); got != "200 new" {
							t.Errorf("a new request: %s", got)
						}
					}
					if got := <-limited.done; got != cut {
						t.Errorf("the request that takes longer: %q", got)
					}
					eventually(t, "the log tells of it", func() bool { return strings.Contains(limited.log.String(), "backend_connection_closed_") })
					kept.release()
					if got, want := <-kept.done, map[string]string{"/none": "200 old", "/half": "200 half old"}[path]; got != want {
						t.Errorf("the request without a limit: %q", got)
					}
				})
			}
		}
	}
}

// TestAnEndpointThatComesBackKeepsItsRequests: its draining has ended.
func TestAnEndpointThatComesBackKeepsItsRequests(t *testing.T) {
	back, limited := newParting(t, 1, "/none", time.Second), newParting(t, 1, "/none", 2*time.Second)
	back.leave(t, true)
	back.m.shard = proto.Clone(back.m.shard).(*lbv1.EndpointShard) // what was published is not changed
	back.m.shard.Endpoints[1].Draining = false
	next := back.m.model()
	next.Seq = 3
	if err := back.Replace(next); err != nil {
		t.Fatal(err)
	}
	limited.leave(t, true)
	if got := <-limited.done; !strings.HasPrefix(got, "502 ") {
		t.Errorf("the one that left: %q", got)
	}
	back.release()
	if got := <-back.done; got != "200 old" {
		t.Errorf("the one that came back: %q", got)
	}
}
