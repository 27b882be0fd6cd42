package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// load is the clients.
type load struct {
	requests, failures atomic.Uint64
	group              sync.WaitGroup
	mu                 sync.Mutex
	reasons            []error
}

// keptReasons is how many failures are told in full.
const keptReasons = 5

// startLoad keeps clients of each kind busy until the time is up.
func startLoad(ctx context.Context, s *stage, clients int) *load {
	l := new(load)
	insecure := func() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }
	kinds := []struct {
		url       string
		transport *http.Transport
	}{
		{"http://" + s.plain.String(), &http.Transport{MaxIdleConnsPerHost: clients}},
		{"https://" + s.tls.String(), &http.Transport{MaxIdleConnsPerHost: clients, TLSClientConfig: insecure()}},
		{"https://" + s.tls.String(), &http.Transport{TLSClientConfig: insecure(), ForceAttemptHTTP2: true}},
	}
	for _, k := range kinds {
		client := &http.Client{Transport: k.transport, Timeout: 20 * time.Second}
		for i := range clients {
			l.group.Go(func() { l.loop(ctx, client, fmt.Sprintf("%s/%d", k.url, i)) })
		}
		context.AfterFunc(ctx, k.transport.CloseIdleConnections)
	}
	return l
}

// loop sends one request after the other; every tenth has a body, every hundredth a new connection. A request that has
// begun is always finished, so that the end of the run is no failure.
func (l *load) loop(ctx context.Context, client *http.Client, url string) {
	for n := 0; ctx.Err() == nil; n++ {
		if err := once(client, url, n); err != nil {
			l.failures.Add(1)
			l.mu.Lock()
			if len(l.reasons) < keptReasons {
				l.reasons = append(l.reasons, err)
			}
			l.mu.Unlock()
			continue
		}
		l.requests.Add(1)
	}
}

func once(client *http.Client, url string, n int) error {
	method, body := http.MethodGet, io.Reader(nil)
	if n%10 == 9 {
		method, body = http.MethodPost, bytes.NewReader(make([]byte, bodyBytes))
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return err
	}
	request.Close = n%100 == 99
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.Copy(io.Discard, answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || got != bodyBytes {
		return fmt.Errorf("status %d with %d bytes", answer.StatusCode, got)
	}
	return nil
}

func (l *load) wait() { l.group.Wait() }

func (l *load) verdict() error {
	if l.requests.Load() == 0 {
		return fmt.Errorf("no request was answered: %v", l.reasons)
	}
	if n := l.failures.Load(); n > 0 {
		return fmt.Errorf("%d requests failed, among them: %v", n, l.reasons)
	}
	return nil
}
