package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Between restarts of a program that ended by itself.
const (
	firstRestart = 200 * time.Millisecond
	lastRestart  = 10 * time.Second
	// steady is how long a program has to run for its restarts to be forgotten.
	steady = 30 * time.Second
)

// daemon keeps a program running: one that ends is started again, later each time.
type daemon struct {
	name string
	path string
	args []string
	env  []string
	log  string

	mu       sync.Mutex
	cmd      *exec.Cmd
	starts   int
	last     error
	stopping bool
	done     chan struct{}
	wake     chan struct{} // ends a wait before a restart
}

// run starts it and keeps it until stop.
func (d *daemon) run() {
	d.done, d.wake = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(d.done)
		wait := firstRestart
		for {
			began := time.Now()
			err := d.once()
			if d.ended(err) {
				return
			}
			if time.Since(began) > steady {
				wait = firstRestart
			}
			select {
			case <-time.After(wait):
			case <-d.wake:
			}
			wait = min(2*wait, lastRestart)
		}
	}()
}

// ended takes note of how it ended; it returns true if it is to stay so.
func (d *daemon) ended(err error) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cmd, d.last = nil, err
	return d.stopping
}

func (d *daemon) once() error {
	log, err := os.OpenFile(d.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	d.mu.Lock()
	if d.stopping {
		d.mu.Unlock()
		return nil
	}
	cmd := exec.Command(d.path, d.args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), d.env...), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	d.starts++
	err = cmd.Start()
	if err == nil {
		d.cmd = cmd
	}
	d.mu.Unlock()
	if err != nil {
		return err
	}
	return cmd.Wait()
}

// kill ends the program as a crash does. It is started again.
func (d *daemon) kill() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cmd == nil {
		return fmt.Errorf("%s does not run", d.name)
	}
	return d.cmd.Process.Kill()
}

// stop ends it for good, within the context at the latest.
func (d *daemon) stop(ctx context.Context) {
	d.mu.Lock()
	if !d.stopping {
		d.stopping = true
		close(d.wake)
	}
	cmd := d.cmd
	d.mu.Unlock()
	if cmd != nil {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		defer context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })()
	}
	<-d.done
}

// trouble says why it does not run, or that it had to be started again; "" if all is well.
func (d *daemon) trouble() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.cmd == nil && d.last != nil:
		return fmt.Sprintf("%s ended: %v (see %s)", d.name, d.last, d.log)
	case d.starts > 1:
		return fmt.Sprintf("%s was started %d times", d.name, d.starts)
	}
	return ""
}

// crashed returns an error if it has ended more often than a start under load explains.
func (d *daemon) crashed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.starts <= 3 || d.last == nil {
		return nil
	}
	return fmt.Errorf("%s ends again and again: %w\n%s", d.name, d.last, lastLines(d.log))
}

// shownLog is how much of a log an error shows, in bytes.
const shownLog = 1500

func lastLines(path string) string {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(b[max(0, len(b)-shownLog):])
}

// daemons are those of a lab.
type daemons struct {
	mu  sync.Mutex
	all []*daemon
}

func (s *daemons) start(d *daemon) *daemon {
	s.mu.Lock()
	s.all = append(s.all, d)
	s.mu.Unlock()
	d.run()
	return d
}

// drop forgets a daemon that was stopped.
func (s *daemons) drop(d *daemon) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = slices.DeleteFunc(s.all, func(x *daemon) bool { return x == d })
}
