package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// steady is a client that asks without a pause, half of the time on new connections.
type steady struct {
	stop     chan struct{}
	running  sync.WaitGroup
	answered atomic.Int64
	mu       sync.Mutex
	failed   error
}

type steadyKey struct{}

// steadyLoad is load start URL [HOST] | load passed N | load stop: a steady client begins; N more of its requests are answered; it
// ends. Any request that failed fails the script.
func steadyLoad(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: load start URL [HOST] | load passed N | load stop")
	}
	box := ts.Value(steadyKey{}).(*steady)
	switch {
	case args[0] == "start" && (len(args) == 2 || len(args) == 3):
		box.stop = make(chan struct{})
		for i := range 4 {
			box.running.Go(func() { box.ask(args[1], strings.Join(args[2:], ""), i%2 == 0) })
		}
		ts.Defer(box.end)
	case args[0] == "passed" && len(args) == 2:
		var more int64
		_, err := fmt.Sscan(args[1], &more)
		ts.Check(err)
		goal := box.answered.Load() + more
		attempt(ts, func() error {
			ts.Check(box.err())
			if n := box.answered.Load(); n < goal {
				return fmt.Errorf("%d requests answered, not %d", n, goal)
			}
			return nil
		})
	case args[0] == "stop":
		box.end()
		ts.Check(box.err())
		ts.Logf("%d requests answered", box.answered.Load())
	default:
		ts.Fatalf("load: %v", args)
	}
}

func (s *steady) ask(url, host string, once bool) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: once}, Timeout: patience}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-s.stop:
			return
		default:
		}
		var res *http.Response
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
		if err == nil {
			req.Host = host
			res, err = client.Do(req)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s", res.Status)
		}
		if err != nil {
			s.mu.Lock()
			s.failed = err
			s.mu.Unlock()
			return
		}
		s.answered.Add(1)
	}
}

func (s *steady) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

func (s *steady) end() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.running.Wait()
}

// hangup is hangup: it sends SIGHUP to every background program.
func hangup(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: hangup")
	}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(syscall.SIGHUP))
	}
}
