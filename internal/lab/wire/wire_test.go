package wire

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answer serves one connection.
func answer(t *testing.T, serve func(c *Conn, r Request, files []*os.File)) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		conn, err := l.AcceptUnix()
		if err != nil {
			return
		}
		c, r, files, err := Accept(conn)
		if err != nil {
			t.Error(err)
			return
		}
		serve(c, r, files)
		Close(files)
		_ = c.Close()
	}()
	return path
}

func TestFilesComeAlong(t *testing.T) {
	long := strings.Repeat("x", 1<<20) // an environment has no limit that a message has
	path := answer(t, func(c *Conn, r Request, files []*os.File) {
		if r.Env[0] != long || len(files) != 1 {
			t.Errorf("%d bytes and %d files came", len(r.Env[0]), len(files))
		}
		_, _ = files[0].WriteString("from inside")
		var s Signal
		if err := c.Receive(&s); err != nil || s.Signal != 2 {
			t.Errorf("signal %d, %v", s.Signal, err)
		}
		exit := 3
		_ = c.Send(Reply{Exit: &exit})
	})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Dial(path, Request{Op: Exec, Env: []string{long}}, w)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	if err := c.Send(Signal{2}); err != nil {
		t.Fatal(err)
	}
	var reply Reply
	if err := c.Receive(&reply); err != nil || reply.Exit == nil || *reply.Exit != 3 {
		t.Errorf("%+v, %v", reply, err)
	}
	if said, err := io.ReadAll(r); string(said) != "from inside" || err != nil {
		t.Errorf("%q, %v", said, err)
	}
}

func TestAnErrorIsAnError(t *testing.T) {
	path := answer(t, func(c *Conn, _ Request, _ []*os.File) { _ = c.Send(Reply{Error: "no such Pod"}) })
	if _, err := Ask(path, Request{Op: KillPod}); err == nil || err.Error() != "no such Pod" {
		t.Errorf("%v", err)
	}
}
