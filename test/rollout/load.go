package rollout

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// pulse is the time between bursts of requests: the rate is kept on average.
	pulse = 5 * time.Millisecond
	// mostInFlight bounds the requests that wait for an answer; beyond it the client is late, and says so.
	mostInFlight = 1000
	// patience is how long an answer may take.
	patience = 20 * time.Second
)

// load sends requests at a steady rate, whatever becomes of them.
type load struct {
	url    string
	client *http.Client

	mu     sync.Mutex
	sent   int
	late   int
	failed map[string]int
	pods   map[string]int
}

func newLoad(url string) *load {
	return &load{
		url: url, failed: map[string]int{}, pods: map[string]int{},
		client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: mostInFlight}},
	}
}

// run sends until the context ends, and returns when every answer is there.
func (l *load) run(ctx context.Context, rate int) {
	defer l.client.CloseIdleConnections()
	var answers sync.WaitGroup
	defer answers.Wait()
	inFlight := make(chan struct{}, mostInFlight)
	tick := time.NewTicker(pulse)
	defer tick.Stop()
	began, due := time.Now(), 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for target := int(time.Since(began).Seconds() * float64(rate)); due < target; due++ {
			select {
			case inFlight <- struct{}{}:
				answers.Go(func() {
					l.ask()
					<-inFlight
				})
			default:
				l.note(func() { l.late++ })
			}
		}
	}
}

func (l *load) ask() {
	pod, err := l.answer()
	l.note(func() {
		l.sent++
		if err != nil {
			l.failed[err.Error()]++
		} else {
			l.pods[pod]++
		}
	})
}

func (l *load) answer() (pod string, err error) {
	answer, err := l.client.Get(l.url)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP %d: %.100s", answer.StatusCode, body)
	}
	return strings.TrimSpace(string(body)), nil
}

func (l *load) note(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}
