package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spillway-lb/spillway/internal/lab/wire"
)

// exec runs a command for somebody outside, on the files that came along, and says how it ended. It ends with the one who
// asked for it.
func (s *supervisor) exec(ctx context.Context, c *wire.Conn, r wire.Request, files []*os.File) {
	cmd, err := s.command(ctx, r, files)
	if err == nil {
		err = cmd.Start()
	}
	wire.Close(files)
	if err != nil {
		_ = c.Send(wire.Reply{Error: err.Error()})
		return
	}
	go passSignals(c, cmd)
	status := exitStatus(cmd.Wait(), cmd)
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP) // what it left in the background
	_ = c.Send(wire.Reply{Exit: &status})
}

func (s *supervisor) command(ctx context.Context, r wire.Request, files []*os.File) (*exec.Cmd, error) {
	if len(r.Args) == 0 {
		return nil, errors.New("there is no command")
	}
	if len(files) != 3 {
		return nil, fmt.Errorf("%d files came with a command, not three", len(files))
	}
	env := s.environment(r.Env)
	path, err := lookPath(r.Args[0], r.Dir, env)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path)
	cmd.Args, cmd.Env, cmd.Dir = r.Args, env, r.Dir
	cmd.Stdin, cmd.Stdout, cmd.Stderr = files[0], files[1], files[2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if r.Terminal {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}
	return cmd, nil
}

// environment is the asker's, with what leads into the lab.
func (s *supervisor) environment(of []string) []string {
	path := s.config.Servers.Dir
	if own, err := self(); err == nil {
		path += ":" + filepath.Dir(own)
	}
	set := []string{
		"KUBECONFIG=" + s.config.Dir.Kubeconfig(), "SPILLWAY_LAB=" + s.config.Dir.Name, "SPILLWAY_SERVER=" + s.config.Dir.Controller(),
		// What kubectl remembers of a server is of this lab: the next one has the same addresses.
		"KUBECACHEDIR=" + s.config.Dir.Kubecache(),
	}
	var env []string
	for _, v := range of {
		name, value, _ := strings.Cut(v, "=")
		switch name {
		case "KUBECONFIG", "SPILLWAY_LAB", "SPILLWAY_SERVER", "KUBECACHEDIR":
		case "PATH":
			path += ":" + value
		default:
			env = append(env, v)
		}
	}
	return append(append(env, set...), "PATH="+path)
}

// lookPath finds a command by the PATH of its environment rather than this process's.
func lookPath(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	for _, v := range env {
		list, found := strings.CutPrefix(v, "PATH=")
		if !found {
			continue
		}
		for _, in := range filepath.SplitList(list) {
			if path := filepath.Join(in, name); executable(path) == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%s: command not found", name)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s: %w", path, os.ErrPermission)
	}
	return nil
}

// passSignals hands on what the asker sends, until the asker has gone; then the command hangs up.
func passSignals(c *wire.Conn, cmd *exec.Cmd) {
	for {
		var signal wire.Signal
		if err := c.Receive(&signal); err != nil {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
			return
		}
		_ = syscall.Kill(-cmd.Process.Pid, syscall.Signal(signal.Signal))
	}
}

func exitStatus(err error, cmd *exec.Cmd) int {
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	if code := cmd.ProcessState.ExitCode(); err == nil || code > 0 {
		return code
	}
	return 1
}
