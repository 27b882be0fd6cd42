package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// longestPath is how many bytes the address of a Unix socket can have.
const longestPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// longestName is the longest name of a socket in the runtime directory.
const longestName = "/4294967295.sock"

// RuntimeDir is where the sockets of this user's servers are: $XDG_RUNTIME_DIR/spillway, or spillway-UID in the
// directory for temporary files if that is not set or too long for sockets.
func RuntimeDir() string {
	dir := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "spillway")
	if filepath.IsAbs(dir) && len(dir)+len(longestName) <= longestPath {
		return dir
	}
	return filepath.Join(os.TempDir(), "spillway-"+strconv.Itoa(os.Getuid()))
}

// Listen opens the control socket at a path, PID.sock in the runtime directory if it is empty. Only this user can use
// it. A socket that a dead server left at the path is replaced, a living one's is not; one that is about to end is waited
// for.
func Listen(path string) (net.Listener, error) {
	if path == "" {
		dir := RuntimeDir()
		if err := makePrivate(dir); err != nil {
			return nil, err
		}
		path = filepath.Join(dir, strconv.Itoa(os.Getpid())+".sock")
	}
	if len(path) > longestPath {
		return nil, fmt.Errorf("control socket: the path has %d bytes, sockets have at most %d; choose a shorter one with --socket: %s",
			len(path), longestPath, path)
	}
	l, err := bindSocket(path)
	for deadline := time.Now().Add(takeoverTime); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(deadline); {
		time.Sleep(takeoverPoll)
		l, err = bindSocket(path)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("control socket: %s is in use; choose another with --socket", path)
	}
	if err != nil {
		return nil, fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// takeoverTime is how long a socket is waited for that a process holds which has just been killed: one with much memory
// takes a while to go. takeoverPoll is how often it is tried.
const (
	takeoverTime = 2 * time.Second
	takeoverPoll = 20 * time.Millisecond
)

// bindSocket listens at a path, after removing what a dead server left there.
func bindSocket(path string) (net.Listener, error) {
	if stale(path) {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return net.Listen("unix", path)
}

// makePrivate makes a directory that only its owner can enter, and refuses one that others can.
func makePrivate(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("directory of the control socket: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%s is open to other users (%s); remove it, or choose another place with --socket", dir, info.Mode())
	}
	return nil
}

// stale says that there is a socket at the path and nobody listens.
func stale(path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	conn, err := net.Dial("unix", path)
	if err == nil {
		conn.Close()
		return false
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// Running is one server that answers.
type Running struct {
	Client *Client
	Info   Info
}

// List finds the servers that answer in the runtime directory, and removes the sockets of dead ones. A server that has
// just made its socket does not listen for a moment, so nobody answering is no proof of death.
func List(ctx context.Context) []Running {
	paths, _ := filepath.Glob(filepath.Join(RuntimeDir(), "*.sock")) // the pattern is well formed
	var running []Running
	for _, path := range paths {
		if stale(path) {
			if !alive(path) {
				_ = os.Remove(path) // somebody else was faster
			}
			continue
		}
		client := NewClient(path)
		if info, err := client.Info(ctx); err == nil {
			running = append(running, Running{client, info})
		}
	}
	return running
}

// alive says whether the process that a socket in the runtime directory is named after runs.
func alive(path string) bool {
	pid, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(path), ".sock"))
	return err == nil && pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// Connect chooses a server: by the path of its socket, by its process number or by the directory that it serves; the
// only one that runs if chosen is empty.
func Connect(ctx context.Context, chosen string) (*Client, Info, error) {
	if info, err := os.Stat(chosen); chosen != "" && err == nil && info.Mode().Type() == fs.ModeSocket {
		if stale(chosen) {
			return nil, Info{}, errors.New("the server of this socket has ended")
		}
		client := NewClient(chosen)
		answer, err := client.Info(ctx)
		return client, answer, err
	}
	running := List(ctx)
	var fit []Running
	for _, r := range running {
		if chosen == "" || r.matches(chosen) {
			fit = append(fit, r)
		}
	}
	switch {
	case len(fit) == 1:
		return fit[0].Client, fit[0].Info, nil
	case len(running) == 0:
		return nil, Info{}, errors.New("no server is running; start one with `spillway serve DIR`")
	case len(fit) == 0:
		return nil, Info{}, fmt.Errorf("no server that is running; these are:\n%s", table(running))
	}
	return nil, Info{}, fmt.Errorf("%d servers are running; choose one with --server or SPILLWAY_SERVER:\n%s", len(fit), table(fit))
}

func (r Running) matches(chosen string) bool {
	if chosen == strconv.Itoa(r.Info.PID) || chosen == r.Client.Socket {
		return true
	}
	dir, err := filepath.Abs(chosen)
	return err == nil && dir == r.Info.Dir
}

func table(running []Running) string {
	var lines []string
	for _, r := range running {
		lines = append(lines, fmt.Sprintf("  %s  (process %d, serves %s)", r.Client.Socket, r.Info.PID, r.Info.Dir))
	}
	return strings.Join(lines, "\n")
}
