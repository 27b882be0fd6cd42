// Package process runs a local command as a container: in a process group of its own, which ends with it and with us.
//
// In: a command, its environment and directory. Out: a Process with its exit status and the end of what it printed.
//
//	p, err := process.Start(process.Spec{Command: []string{"./app"}, Env: env})
//	<-p.Done()
//
// On Linux the kernel kills the command when this process dies, however it dies.
package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// outputGrace is how long the output of a command that has ended is waited for; a child of its own may hold it open.
const outputGrace = time.Second

// Spec is what to run.
type Spec struct {
	Command []string
	// Env is added to this process's environment.
	Env []string
	Dir string
}

// Process is a command that runs or has ended.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	log  *Log
}

// Start runs a command.
func Start(s Spec) (*Process, error) {
	if len(s.Command) == 0 {
		return nil, errors.New("the command is empty")
	}
	p := &Process{done: make(chan struct{}), log: &Log{}}
	p.cmd = exec.Command(s.Command[0], s.Command[1:]...)
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.Dir = s.Dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.WaitDelay = outputGrace
	p.cmd.SysProcAttr = attributes()
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run keeps the thread that the command was started from: the kernel ties the command's life to it.
func (p *Process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	p.signal(syscall.SIGKILL) // what is left of the group
	close(p.done)
}

// Done is closed when the command has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// ExitCode is the exit status, or 128 and the signal's number; it counts after Done.
func (p *Process) ExitCode() int {
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Log is what the command printed last.
func (p *Process) Log() *Log { return p.log }

// Stop asks the command to end, and kills it when the context is done. It returns when the command has ended.
func (p *Process) Stop(ctx context.Context) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-ctx.Done():
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

// signal goes to the whole group. A group that has ended is no error.
func (p *Process) signal(s syscall.Signal) {
	_ = syscall.Kill(-p.cmd.Process.Pid, s)
}
