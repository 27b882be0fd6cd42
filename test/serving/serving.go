// Package serving runs `spillway serve` for tests and benchmarks, as a process of its own.
//
// In: a binary and a directory. Out: its URLs, and ways to change the directory as an editor would.
//
//	s, err := serving.Start(ctx, "bin/spillway", dir)
//	defer s.Stop()
//	url, err := s.URL(ctx, "demo", "gateway")
package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Server is one running `spillway serve`.
type Server struct {
	binary string
	socket string
	cmd    *exec.Cmd
	output *os.File
	exited chan error
}

// URL is one row of `spillway urls -o json`.
type URL struct {
	Kind, Namespace, Name, Class, Listener, Region, URL string
}

// Start runs serve on a directory; it returns when the process has been started, not when it answers. The standard
// output and error go to a file that Output names.
func Start(ctx context.Context, binary, dir string, flags ...string) (*Server, error) {
	scratch, err := os.MkdirTemp("", "spillway-serving-")
	if err != nil {
		return nil, err
	}
	output, err := os.Create(filepath.Join(scratch, "output"))
	if err != nil {
		return nil, err
	}
	s := &Server{binary: binary, socket: filepath.Join(scratch, "socket"), output: output, exited: make(chan error, 1)}
	s.cmd = exec.CommandContext(ctx, binary, append([]string{
		"serve", dir, "--socket", s.socket, "--state", filepath.Join(scratch, "state"),
	}, flags...)...)
	s.cmd.Stdout, s.cmd.Stderr = output, output
	s.cmd.Cancel = func() error { return s.cmd.Process.Signal(syscall.SIGTERM) }
	s.cmd.WaitDelay = 20 * time.Second
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { s.exited <- s.cmd.Wait() }()
	return s, nil
}

// Output is the file that holds what serve printed.
func (s *Server) Output() string { return s.output.Name() }

// PID is the process to measure.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop sends SIGTERM and waits; a status other than 0 is an error.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	err := <-s.exited
	s.exited <- err
	return err
}

// Command runs another sub-command against this server and returns what it prints.
func (s *Server) Command(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Env = append(os.Environ(), "SPILLWAY_SERVER="+s.socket)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("spillway %s: %w: %s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out, nil
}

// URL waits until the Gateway has a URL and returns the first.
func (s *Server) URL(ctx context.Context, namespace, gateway string) (string, error) {
	for {
		if out, err := s.Command(ctx, "urls", "-o", "json"); err == nil {
			var rows []URL
			if err := json.Unmarshal(out, &rows); err != nil {
				return "", fmt.Errorf("spillway urls -o json: %w: %s", err, out)
			}
			for _, row := range rows {
				if row.Namespace == namespace && row.Name == gateway {
					return row.URL, nil
				}
			}
		}
		select {
		case err := <-s.exited:
			s.exited <- err
			text, _ := os.ReadFile(s.Output())
			return "", fmt.Errorf("serve ended: %w\n%s", err, text)
		case <-ctx.Done():
			text, _ := os.ReadFile(s.Output())
			return "", fmt.Errorf("no URL of %s/%s: %w\n%s", namespace, gateway, ctx.Err(), text)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Write puts a file in place by renaming, as careful editors do.
func Write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	if err := os.WriteFile(temporary, []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
