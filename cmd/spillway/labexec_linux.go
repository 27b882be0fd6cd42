package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/spillway-lb/spillway/internal/lab/wire"
)

func newLabExecCommand(l *lab) *cobra.Command {
	return &cobra.Command{
		Use: "exec -- COMMAND [ARG...]", Short: "Run a command inside a lab, with kubectl and a context for each cluster",
		Example: "  spillway lab exec -- kubectl apply --context gke-west-1 -f store.yaml\n  spillway lab exec -- curl -H 'host: store.example.com' http://10.127.4.5/",
		Args:    cobra.MinimumNArgs(1),
		RunE:    func(_ *cobra.Command, args []string) error { return l.exec(args) },
	}
}

func newLabShellCommand(l *lab) *cobra.Command {
	return &cobra.Command{
		Use: "shell", Short: "Open a shell inside a lab", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reply, err := l.ask(wire.Request{Op: wire.Status})
			if err != nil {
				return err
			}
			shell := os.Getenv("SHELL")
			if shell == "" {
				shell = "/bin/sh"
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "in lab %s, isolated %s; kubectl has its contexts, exit leaves\n", l.name, reply.State.Way)
			return l.exec([]string{shell})
		},
	}
}

// exec runs a command inside, on this process's input and output. On a terminal it gets one of its own, which is shown here.
func (l *lab) exec(args []string) error {
	d, err := l.dir()
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	r := wire.Request{Op: wire.Exec, Args: args, Env: os.Environ(), Dir: dir}
	files := []*os.File{os.Stdin, os.Stdout, os.Stderr}
	var pty *terminal
	if hasTerminal(os.Stdin) && hasTerminal(os.Stdout) {
		if pty, err = openTerminal(); err != nil {
			return fmt.Errorf("a terminal for the command: %w", err)
		}
		r.Terminal, files = true, []*os.File{pty.slave, pty.slave, pty.slave}
	}
	conn, err := wire.Dial(d.Socket(), r, files...)
	if err != nil {
		return l.explain(err)
	}
	defer func() { _ = conn.Close() }()
	if pty != nil {
		restore, err := pty.show()
		if err != nil {
			return err
		}
		defer restore()
	}
	return await(conn)
}

// await passes signals in until the command has ended, and ends as it did.
func await(conn *wire.Conn) error {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer signal.Stop(signals)
	go func() {
		for s := range signals {
			if number, ok := s.(syscall.Signal); ok {
				_ = conn.Send(wire.Signal{Signal: int(number)})
			}
		}
	}()
	var reply wire.Reply
	if err := conn.Receive(&reply); err != nil {
		return fmt.Errorf("the lab has ended: %w", err)
	}
	switch {
	case reply.Error != "":
		return errors.New(reply.Error)
	case reply.Exit != nil && *reply.Exit != 0:
		return &statusError{*reply.Exit}
	}
	return nil
}

func hasTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// terminal is a pair of pseudo-terminals: the command has the slave, this process shows the master.
type terminal struct{ master, slave *os.File }

func openTerminal() (*terminal, error) {
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, errors.Join(err, unix.Close(master))
	}
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return nil, errors.Join(err, unix.Close(master))
	}
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, errors.Join(err, unix.Close(master))
	}
	return &terminal{master: os.NewFile(uintptr(master), "ptmx"), slave: slave}, nil
}

// show connects this process's terminal with the command's, until restore.
func (t *terminal) show() (restore func(), err error) {
	own := int(os.Stdin.Fd())
	was, err := unix.IoctlGetTermios(own, unix.TCGETS)
	if err != nil {
		return nil, err
	}
	raw := *was
	raw.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	raw.Oflag &^= unix.OPOST
	raw.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	raw.Cflag = raw.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
	t.resize()
	if err := unix.IoctlSetTermios(own, unix.TCSETS, &raw); err != nil {
		return nil, err
	}
	_ = t.slave.Close() // the command has it
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	go func() {
		for range resized {
			t.resize()
		}
	}()
	shown := make(chan struct{})
	go func() { _, _ = io.Copy(t.master, os.Stdin) }()
	go func() {
		defer close(shown)
		_, _ = io.Copy(os.Stdout, t.master) // it ends when nobody has the slave
	}()
	return func() {
		<-shown
		signal.Stop(resized)
		_ = unix.IoctlSetTermios(own, unix.TCSETS, was)
	}, nil
}

func (t *terminal) resize() {
	if size, err := unix.IoctlGetWinsize(int(os.Stdin.Fd()), unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, size)
	}
}
