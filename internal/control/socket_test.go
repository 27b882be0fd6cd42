package control_test

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/spillway-lb/spillway/internal/control"
)

// shortDir is a directory whose name leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// bind makes a socket at which nobody listens.
func bind(t *testing.T, path string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
}

// A server binds before it listens: its socket stays, that of a process that is gone does not.
func TestListLeavesSocketsOfTheLiving(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", shortDir(t))
	dir := control.RuntimeDir()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	const beyondEveryProcess = 1 << 30
	starting := filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock")
	dead := filepath.Join(dir, strconv.Itoa(beyondEveryProcess)+".sock")
	bind(t, starting)
	bind(t, dead)
	if running := control.List(t.Context()); len(running) != 0 {
		t.Errorf("%d servers answer", len(running))
	}
	if _, err := os.Lstat(starting); err != nil {
		t.Error("the socket of a process that runs:", err)
	}
	if _, err := os.Lstat(dead); !os.IsNotExist(err) {
		t.Error("the socket of a dead process is still there:", err)
	}
}

func TestSocketThatIsInUse(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	l, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := control.Listen(path); err == nil || !strings.Contains(err.Error(), path+" is in use; choose another") {
		t.Error(err)
	}
}

func TestLongRuntimeDirIsNotUsed(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", "/"+strings.Repeat("x", 90))
	if dir := control.RuntimeDir(); strings.Contains(dir, "xxx") {
		t.Errorf("sockets would be in %s", dir)
	}
}

// A server that is started again at once finds the socket of the one before, which is about to end.
func TestASocketOfADyingServerIsWaitedFor(t *testing.T) {
	path := filepath.Join(shortDir(t), "s")
	dying, err := control.Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	type result struct {
		l   net.Listener
		err error
	}
	next := make(chan result, 1)
	go func() {
		l, err := control.Listen(path)
		next <- result{l, err}
	}()
	conn, err := dying.Accept() // the next one has looked whether somebody lives
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	dying.Close()
	r := <-next
	if r.err != nil {
		t.Fatal(r.err)
	}
	defer r.l.Close()
	if _, err := control.Listen(path); err == nil || !strings.Contains(err.Error(), "is in use") {
		t.Errorf("the socket of a living server: %v", err)
	}
}
