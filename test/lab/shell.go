package lab

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
)

// Shell is a bash inside a lab, which keeps its variables and its directory from step to step.
type Shell struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// ended stands in what the shell prints where a step has ended, with the exit status behind it.
const ended = "-- the step has ended: "

// Open starts the shell by a command, such as spillway lab exec -- bash, in a directory.
func Open(command *exec.Cmd) (*Shell, error) {
	s := &Shell{cmd: command}
	var err error
	if s.in, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(out)
	return s, command.Start()
}

// Run runs commands and returns what they print, errors among it, and the exit status of the last one.
func (s *Shell) Run(ctx context.Context, commands string) (printed string, status int, err error) {
	defer context.AfterFunc(ctx, func() { _ = s.cmd.Process.Kill() })()
	_, err = fmt.Fprintf(s.in, "{\n%s\n} 2>&1 </dev/null; printf '\\n%s%%d\\n' $?\n", commands, ended)
	if err != nil {
		return "", 0, fmt.Errorf("the shell has ended: %w", err)
	}
	var all strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if text, last := strings.CutPrefix(line, ended); last {
			status, err = strconv.Atoi(strings.TrimSpace(text))
			return strings.TrimSuffix(all.String(), "\n"), status, err
		}
		all.WriteString(line)
		if err != nil {
			return all.String(), 0, fmt.Errorf("the shell has ended: %w", cmp.Or(ctx.Err(), err))
		}
	}
}

// Close ends the shell.
func (s *Shell) Close() error {
	_ = s.in.Close()
	return s.cmd.Wait()
}
