//go:build unix

package truth_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/serve"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// childOf is set for a process of the tests that is a server: the root of its world.
const childOf = "SPILLWAY_TRUTH_CHILD"

// poverty is set for one that is short of descriptors from its start: to noneLeft when its proxies are told of a listener for the first
// time, and to fewLeft before it does anything.
const (
	poverty  = "SPILLWAY_TRUTH_POVERTY"
	noneLeft = "none"
	fewLeft  = "few"
)

func TestMain(m *testing.M) {
	if root := os.Getenv(childOf); root != "" {
		os.Exit(beChild(root))
	}
	os.Exit(m.Run())
}

// beChild serves a world until it is told to end, or nobody is left to tell it. Before its proxies are told of port 8081 for the first
// time, its descriptors run out (see poverty); a line "enough" gives them back.
func beChild(root string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	poor := &pauper{}
	port := uint32(8081)
	switch os.Getenv(poverty) {
	case noneLeft:
		port = 8080
	case fewLeft:
		if err := poor.few(); err != nil {
			_, _ = io.WriteString(os.Stdout, "few: "+err.Error()+"\n")
			return 1
		}
	}
	go func() {
		defer stop()
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			poor.hear(in.Text())
		}
	}()
	err := serve.Run(ctx, serve.Config{
		Dir: filepath.Join(root, "d"), Socket: filepath.Join(root, "s"), State: filepath.Join(root, "state"), Drain: time.Second,
		Format: serve.FormatText, Out: os.Stdout, Log: slog.New(slog.DiscardHandler), Version: "test", Now: time.Now,
		Wire: func(to controlplane.Sink) controlplane.Sink { return &poorSink{to, poor, port} },
	})
	if err != nil {
		_, _ = io.WriteString(os.Stdout, "ended: "+err.Error()+"\n")
		return 1
	}
	return 0
}

// pauper takes the process's descriptors away.
type pauper struct {
	mu    sync.Mutex
	limit syscall.Rlimit // as it was; the zero value before
	files []*os.File
}

func (p *pauper) hear(command string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if command == "enough" {
		for _, f := range p.files {
			_ = f.Close()
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &p.limit)
	}
}

// few opens files until the process has few descriptors left, of a limit that stays: enough to bind listeners, too few to serve.
func (p *pauper) few() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &p.limit); err != nil {
		return err
	}
	p.limit.Cur = 512
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &p.limit); err != nil {
		return err
	}
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return err
		}
		p.files = append(p.files, f)
		if f.Fd() >= 446 {
			return nil
		}
	}
}

// none leaves what is open, and nothing more: the system gives out the lowest number that is free.
func (p *pauper) none() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limit.Cur != 0 {
		return nil
	}
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &p.limit); err != nil {
		return err
	}
	low := p.limit
	low.Cur = 3
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low)
}

// poorSink is where descriptors run out: when proxies are told of a port.
type poorSink struct {
	controlplane.Sink
	poor *pauper
	port uint32
}

func (s *poorSink) Apply(tx *lbv1.Transaction) {
	for _, r := range tx.GetUpserts() {
		if r.GetForwardingRule().GetPort() == s.port && os.Getenv(poverty) != fewLeft {
			if err := s.poor.none(); err != nil {
				_, _ = io.WriteString(os.Stdout, "limit: "+err.Error()+"\n")
			}
		}
	}
	s.Sink.Apply(tx)
}

// child is a server that is a process.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
}

// serveChild starts a server as a process of its own, with more variables.
func (w *world) serveChild(env ...string) *child {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(append(os.Environ(), childOf+"="+w.root), env...)
	c.cmd.Stdout, c.cmd.Stderr = w.out, w.out
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	if w.liar == nil {
		w.liar = startLiar(w)
		w.t.Cleanup(w.liar.end)
	}
	w.t.Cleanup(c.kill)
	return c
}

// kill ends it as a machine would, and waits for it; a second call does nothing.
func (c *child) kill() {
	_ = c.in.Close()
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// printedAfter says whether a text was printed behind another one.
func (w *world) printedAfter(mark int, text string) bool {
	return strings.Contains(w.out.String()[mark:], text)
}

// TestDescriptorsRunOut when a listener is to be bound: it says so, what serves goes on being said to serve, and the listener heals when
// there are descriptors again, without an edit. Its own control socket has none to answer with, so it is read off what is printed.
func TestDescriptorsRunOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "truth-poor", base(t), map[string]string{"gateway.yaml": withOwn("8082", "All"), "r.yaml": onOwn(toApp)})
	w.claims = claimsOf(&fault{listener: "own"})
	c := w.serveChild()
	w.inOrder()
	mark := len(w.out.String())
	w.write(map[string]string{"gateway.yaml": withOwn("8081", "All")})
	w.until("the listener says that it cannot be bound", func() bool {
		return w.printedAfter(mark, "AddressNotUsable: ") && w.printedAfter(mark, "too many open files")
	})
	if _, err := io.WriteString(c.in, "enough\n"); err != nil {
		t.Fatal(err)
	}
	w.until("the listener is bound", func() bool { return strings.HasSuffix(w.printed("own"), ":8081") })
	w.inOrder()
}

// TestARestartWithoutDescriptors: a server that is started while there are none, or so few that listeners are bound and requests find none,
// does not say that it serves, and serves when there are again.
func TestARestartWithoutDescriptors(t *testing.T) {
	for _, left := range []string{noneLeft, fewLeft} {
		t.Run(left, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "truth-restarted-"+left, base(t))
			w.claims = claimsOf(&fault{})
			before := w.serveChild()
			w.inOrder()
			before.kill()
			mark := len(w.out.String())
			c := w.serveChild(poverty + "=" + left)
			w.until("the listeners say why they are not bound", func() bool {
				return w.printedAfter(mark, "AddressNotUsable: ") && w.printedAfter(mark, "too many open files")
			})
			if _, err := io.WriteString(c.in, "enough\n"); err != nil {
				t.Fatal(err)
			}
			w.inOrder()
		})
	}
}

// TestASocketThatADyingProcessHolds: a server that is started while the one before is on its way out takes over from it: its control socket,
// its addresses with their ports, what was published.
func TestASocketThatADyingProcessHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "truth-dying", base(t))
	w.claims = claimsOf(&fault{})
	dying := w.serveChild()
	w.inOrder()
	at := w.address("http")
	mark := len(w.out.String())
	if err := dying.cmd.Process.Signal(syscall.SIGSTOP); err != nil { // it holds all, and answers nothing
		t.Fatal(err)
	}
	w.serveChild()
	dying.kill()
	w.until("the next one serves", func() bool { return w.printedAfter(mark, "serves "+w.dir()) })
	w.inOrder()
	if got := w.printed("http"); got != at {
		t.Errorf("the listener is at %s, it was at %s", got, at)
	}
}
