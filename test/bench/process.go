package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a started proxy or server.
type process struct {
	cmd *exec.Cmd
	log *bytes.Buffer
}

func start(ctx context.Context, env []string, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	p := &process{cmd: cmd, log: new(bytes.Buffer)}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = p.kill
	return p, cmd.Start()
}

func startSelf(ctx context.Context, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, nil, self, args...)
}

// kill ends the process and its children.
func (p *process) kill() error { return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }

func (p *process) stop() {
	_ = p.kill()
	_ = p.cmd.Wait()
}

// waitListening polls until the port answers.
func (p *process) waitListening(port int) error {
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		c, err := net.Dial("tcp", address(port))
		if err == nil {
			return c.Close()
		}
		if exited(p.cmd.Process.Pid) {
			break
		}
		pause(20 * time.Millisecond)
	}
	return fmt.Errorf("%s does not listen on port %d: %s", filepath.Base(p.cmd.Path), port, p.log.String())
}

func pause(d time.Duration) { <-time.After(d) }

func exited(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || bytes.Contains(stat, []byte(") Z "))
}

// usage is the process accounting of a process and its children.
type usage struct {
	cpu time.Duration
	rss int64 // bytes
}

// usage adds up the process group: nginx and Envoy do their work in children or threads.
func (p *process) usage() usage {
	var u usage
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, file := range stats {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// The fields after the command, which is in parentheses: state, ppid, pgrp, ...
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		if len(f) < 22 || f[2] != strconv.Itoa(p.cmd.Process.Pid) {
			continue
		}
		user, _ := strconv.ParseInt(f[11], 10, 64)
		system, _ := strconv.ParseInt(f[12], 10, 64)
		pages, _ := strconv.ParseInt(f[21], 10, 64)
		// A clock tick of /proc is 10 ms on every Linux that Go runs on.
		u.cpu += time.Duration(user+system) * 10 * time.Millisecond
		u.rss += pages * int64(os.Getpagesize())
	}
	return u
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }

// freePort asks the system for a port that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// raiseFileLimit lets 10,000 connections on both sides fit, here and in the children, where it may.
func raiseFileLimit() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	if limit.Max >= fileLimit || syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: fileLimit, Max: fileLimit}) != nil {
		limit.Cur = min(limit.Max, fileLimit)
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

const fileLimit = 60_000

// openFiles is how many descriptors a process may have.
func openFiles() int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 2400
	}
	return int(min(limit.Cur, fileLimit))
}

// maxConns is how many connections a proxy can carry with two descriptors for each.
func maxConns() int { return (openFiles() - 400) / 2 }

// most is how many clients a case can have: idle ones need no connection to the backend.
func (c benchCase) most() int {
	if c.kind == idle {
		return openFiles() - 800
	}
	return maxConns() - 100
}

func cpuModel() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}

// spin takes one core away until it is killed.
func spin([]string) error {
	for n := 0; ; n++ {
		if n < 0 {
			return fmt.Errorf("wrapped")
		}
	}
}
