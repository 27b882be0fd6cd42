package process

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, script string, env ...string) *Process {
	t.Helper()
	p, err := Start(Spec{Command: []string{"sh", "-c", script}, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		p.Stop(ctx)
	})
	return p
}

func wait(t *testing.T, p *Process) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the command does not end")
	}
}

// until polls a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for !ok() {
		select {
		case <-deadline:
			t.Fatal("waited too long for " + what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func TestEnvironmentOutputAndExitCode(t *testing.T) {
	p := start(t, `echo "ip $POD_IP"; exit 7`, "POD_IP=127.1.2.3")
	wait(t, p)
	if got := p.ExitCode(); got != 7 {
		t.Errorf("exit code is %d", got)
	}
	if got := p.Log().Tail(100); got != "ip 127.1.2.3\n" {
		t.Errorf("log is %q", got)
	}
}

func TestStopAsksFirst(t *testing.T) {
	p := start(t, `trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done`)
	until(t, "the trap", func() bool { return strings.Contains(p.Log().Tail(100), "up") })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	p.Stop(ctx)
	if !strings.Contains(p.Log().Tail(100), "bye") || p.ExitCode() != 0 {
		t.Errorf("log is %q, exit code %d", p.Log().Tail(100), p.ExitCode())
	}
}

func TestStopKillsTheWholeGroup(t *testing.T) {
	file := filepath.Join(t.TempDir(), "child")
	p := start(t, `trap '' TERM; sleep 1000 & echo $! >`+file+`; wait; sleep 1000`)
	until(t, "the child", func() bool {
		b, err := os.ReadFile(file)
		return err == nil && strings.HasSuffix(string(b), "\n")
	})
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	p.Stop(ctx)
	if got := p.ExitCode(); got != 128+9 {
		t.Errorf("exit code is %d", got)
	}
	until(t, "the child's end", func() bool { return gone(child) })
}

// gone tells whether a process has ended, also if nobody has taken its status.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestStartFails(t *testing.T) {
	if _, err := Start(Spec{}); err == nil {
		t.Error("an empty command starts")
	}
	if _, err := Start(Spec{Command: []string{"/does/not/exist"}}); err == nil {
		t.Error("a missing program starts")
	}
}

func TestLogKeepsTheEnd(t *testing.T) {
	l := &Log{}
	for range 4 {
		_, _ = l.Write([]byte(strings.Repeat("x", maxLog/2)))
	}
	_, _ = l.Write([]byte("end"))
	if b := l.Bytes(); len(b) != maxLog || !strings.HasSuffix(string(b), "xend") {
		t.Errorf("%d bytes are kept", len(b))
	}
}

func TestLogGoesOnFromAnOffset(t *testing.T) {
	var l Log
	_, _ = l.Write([]byte("one"))
	b, next := l.From(0)
	_, _ = l.Write([]byte("two"))
	more, end := l.From(next)
	if string(b) != "one" || string(more) != "two" || end != 6 {
		t.Errorf("%q, %q, %d", b, more, end)
	}
	if b, _ := l.From(99); string(b) != "onetwo" {
		t.Errorf("another stream's offset: %q", b)
	}
	_, _ = l.Write(make([]byte, 2*maxLog))
	if b, next := l.From(3); len(b) != maxLog || next != 2*maxLog+6 {
		t.Errorf("an offset that is kept no more: %d bytes, then %d", len(b), next)
	}
}

func TestLogSinceATime(t *testing.T) {
	var l Log
	start := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	if l.Since(at(0)) != 0 {
		t.Error("nothing begins elsewhere than at 0")
	}
	for i, text := range []string{"zero\n", "one, ", "still one\ntwo\n", "", "four"} {
		_, _ = l.write([]byte(text), at(i))
	}
	for seconds, want := range map[int]string{-1: "zero\none, still one\ntwo\nfour", 0: "zero\none, still one\ntwo\nfour", 1: "one, still one\ntwo\nfour", 2: "two\nfour", 3: "four", 4: "four", 5: ""} {
		if b, _ := l.From(l.Since(at(seconds))); string(b) != want {
			t.Errorf("since %d s: %q, not %q", seconds, b, want)
		}
	}
}

func TestLogForgetsTheTimesOfWhatItForgets(t *testing.T) {
	var l Log
	start := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	line := []byte(strings.Repeat("x", 99) + "\n")
	const lines = 10 * maxLog / 100
	for i := range lines {
		_, _ = l.write(line, start.Add(time.Duration(i)*time.Second))
	}
	if len(l.begun) > 2*maxLog/len(line)+2 {
		t.Errorf("%d times are kept of %d bytes", len(l.begun), len(l.kept))
	}
	if b, _ := l.From(l.Since(start)); len(b) != len(l.Bytes()) {
		t.Errorf("since before everything that is kept: %d bytes of %d", len(b), len(l.Bytes()))
	}
	if b, _ := l.From(l.Since(start.Add((lines - 2) * time.Second))); len(b) != 2*len(line) {
		t.Errorf("the last two lines: %d bytes", len(b))
	}
}
