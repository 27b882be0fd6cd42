package storm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/test/serving"
)

// settle is how long after an edit the state before it still explains an answer: the files' 20 ms, a rollout of Pods
// and the answers on their way.
const settle = 1500 * time.Millisecond

// answer is what a client saw of one request.
type answer struct {
	route          int
	sent, received time.Time
	status         int
	version, pod   string
	body           string // of answers other than 200
	err            error
}

// epoch is a state and when it holds.
type epoch struct {
	from, until time.Time // until is zero while it may still explain answers
	fleet       fleet
}

// Report is the outcome of a storm.
type Report struct {
	Edits, Answers int
	ByStatus       map[int]int
	Unexplained    []string
}

// Plan is what a storm does.
type Plan struct {
	Edits int
	Over  time.Duration // the edits come evenly over it
	// Burst is the number of edits after which the storm waits until the last one is in force; the states before it explain
	// answers until then, so that a slow machine is no failure. 0 never waits: states end by the clock.
	Burst int
	Seed  uint64
}

// Run serves a directory and makes the edits under two clients.
func Run(ctx context.Context, binary, dir string, plan Plan) (*Report, error) {
	state := newFleet()
	if err := write(dir, state.files()); err != nil {
		return nil, err
	}
	server, err := serving.Start(ctx, binary, dir)
	if err != nil {
		return nil, err
	}
	defer server.Stop()
	url, err := server.URL(ctx, "storm", "storm")
	if err != nil {
		return nil, err
	}
	if err := converge(ctx, url, state); err != nil {
		return nil, err
	}
	epochs := []epoch{{from: time.Now(), fleet: state}}
	clientsCtx, stopClients := context.WithCancel(ctx)
	defer stopClients()
	answers := startClients(clientsCtx, url)
	r := rand.New(rand.NewPCG(plan.Seed, 1))
	tick := time.NewTicker(plan.Over / time.Duration(plan.Edits))
	defer tick.Stop()
	var convergeErr error
	for n := 1; n <= plan.Edits && convergeErr == nil; n++ {
		<-tick.C
		var files map[string]string
		state, files = state.edit(r)
		epochs = append(epochs, epoch{from: time.Now(), fleet: state})
		if err := write(dir, files); err != nil {
			return nil, err
		}
		if n == plan.Edits || plan.Burst > 0 && n%plan.Burst == 0 {
			convergeErr = converge(ctx, url, state)
			if plan.Burst > 0 {
				conclude(epochs, time.Now())
			}
		}
	}
	stopClients()
	if plan.Burst == 0 {
		conclude(epochs, time.Time{})
	}
	report := judge(<-answers, epochs)
	report.Edits = plan.Edits
	if convergeErr != nil {
		report.Unexplained = append(report.Unexplained, convergeErr.Error())
	}
	return report, nil
}

// conclude ends the states before the last one that have no end yet: settle after the edit that ended each, and not before
// the last state was seen to be in force.
func conclude(epochs []epoch, seen time.Time) {
	for i := range len(epochs) - 1 {
		e := &epochs[i]
		if !e.until.IsZero() {
			continue
		}
		e.until = epochs[i+1].from.Add(settle)
		if e.until.Before(seen) {
			e.until = seen
		}
	}
}

func write(dir string, files map[string]string) error {
	for name, text := range files {
		path := filepath.Join(dir, name)
		if text == "" {
			if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
				return err
			}
			continue
		}
		if old, err := os.ReadFile(path); err == nil && string(old) == text {
			continue
		}
		if err := serving.Write(path, text); err != nil {
			return err
		}
	}
	return nil
}

// startClients runs two steady clients, one keep-alive, one with a connection for each request, and delivers all their
// answers at the end.
func startClients(ctx context.Context, url string) <-chan []answer {
	var mu sync.Mutex
	var all []answer
	var clients sync.WaitGroup
	for _, keepAlive := range []bool{true, false} {
		clients.Go(func() {
			transport := &http.Transport{DisableKeepAlives: !keepAlive}
			defer transport.CloseIdleConnections()
			for n := 0; ctx.Err() == nil; n++ {
				a := ask(ctx, transport, url, n%routes)
				if ctx.Err() != nil {
					return
				}
				mu.Lock()
				all = append(all, a)
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(2 * time.Millisecond):
				}
			}
		})
	}
	done := make(chan []answer, 1)
	go func() { clients.Wait(); done <- all }()
	return done
}

func ask(ctx context.Context, transport *http.Transport, url string, route int) (a answer) {
	a = answer{route: route, sent: time.Now()}
	defer func() { a.received = time.Now() }()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		a.err = err
		return a
	}
	req.Host = host(route)
	res, err := transport.RoundTrip(req)
	if err != nil {
		a.err = err
		return a
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	a.status, a.version, a.err = res.StatusCode, res.Header.Get("x-version"), err
	if a.status != http.StatusOK {
		a.body = string(body)
		return a
	}
	var whereami struct {
		PodName string `json:"pod_name"`
	}
	if a.err == nil {
		a.err = json.Unmarshal(body, &whereami)
	}
	a.pod = whereami.PodName
	return a
}

// judge lists the answers that no state explains among those that held while the answer was on its way.
func judge(answers []answer, epochs []epoch) *Report {
	report := &Report{Answers: len(answers), ByStatus: map[int]int{}}
	for _, a := range answers {
		report.ByStatus[a.status]++
		if !explained(a, epochs) {
			report.Unexplained = append(report.Unexplained, fmt.Sprintf("%s %s: %d version %q pod %q body %q error %v%s",
				a.sent.Format("15:04:05.000"), host(a.route), a.status, a.version, a.pod, a.body, a.err, before(a, epochs)))
		}
	}
	return report
}

// before tells what had been changed shortly before an answer, of what the answer depends on.
func before(a answer, epochs []epoch) string {
	text := ""
	for i := 1; i < len(epochs); i++ {
		age := a.sent.Sub(epochs[i].from)
		if age < -50*time.Millisecond || age > 2*settle {
			continue
		}
		old, now := epochs[i-1].fleet, epochs[i].fleet
		if old.routes[a.route] != now.routes[a.route] {
			text += fmt.Sprintf("\n\t%v before: route %+v -> %+v", age, old.routes[a.route], now.routes[a.route])
		}
		for slot := range 2 {
			if n := (a.route + slot) % services; old.services[n] != now.services[n] {
				text += fmt.Sprintf("\n\t%v before: service %d %+v -> %+v", age, n, old.services[n], now.services[n])
			}
		}
	}
	return text
}

func explained(a answer, epochs []epoch) bool {
	if a.err != nil {
		return false
	}
	for _, e := range epochs {
		ended := !e.until.IsZero() && e.until.Before(a.sent)
		if !ended && e.from.Before(a.received) && e.fleet.explains(a.route, a) {
			return true
		}
	}
	return false
}

// converge waits until the state explains twenty answers in a row of every route.
func converge(ctx context.Context, url string, state fleet) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	for i := range routes {
		for streak := 0; streak < 20; {
			a := ask(ctx, transport, url, i)
			if a.err == nil && state.explains(i, a) {
				streak++
				continue
			}
			streak = 0
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s does not come to %+v: last answer %d version %q pod %q body %q error %v",
					host(i), state.routes[i], a.status, a.version, a.pod, a.body, a.err)
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
	return nil
}
