package servers

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// lastLines is how much of a build's output is kept for the case that it fails.
const lastLines = 10

// unfinished is what the names of builds' directories begin with.
const unfinished = "building-"

// tools is a file that names what is built, so that the go command keeps the module's list of dependencies.
const tools = "//go:build tools\n\npackage servers\n"

// build compiles into a directory beside the Set's, and gives that its name when all are there.
func (s Set) build(ctx context.Context, o Options) error {
	command, err := exec.LookPath("go")
	if err != nil {
		return errors.New("they are built with the go command, once, and it is not installed. Install Go (https://go.dev/dl), or give a directory " +
			"that has etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl with --servers")
	}
	if o.Begin != nil {
		o.Begin(s.Dir)
	}
	work, err := os.MkdirTemp(filepath.Dir(s.Dir), unfinished)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	for name, text := range map[string]string{"go.mod": goMod, "go.sum": goSum, "tools.go": tools} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	b := builder{command: command, dir: work, progress: o.Progress}
	total, err := b.count(ctx)
	if err != nil {
		return err
	}
	out := filepath.Join(work, "bin")
	if err := b.compile(ctx, s.Version, out, total); err != nil {
		return err
	}
	for _, p := range packages {
		if p.built != string(p.program) {
			if err := os.Rename(filepath.Join(out, p.built), filepath.Join(out, string(p.program))); err != nil {
				return err
			}
		}
	}
	if err := os.RemoveAll(s.Dir); err != nil {
		return err
	}
	return os.Rename(out, s.Dir)
}

// builder runs the go command.
type builder struct {
	command, dir string
	progress     func(done, total int)
}

func paths() []string {
	all := make([]string, len(packages))
	for i, p := range packages {
		all[i] = p.path
	}
	return all
}

func (b builder) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.command, args...)
	cmd.Dir = b.dir
	// Workspaces and flags of the user's are for the user's own modules.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly", "GOWORK=off")
	return cmd
}

// count is how many packages there are, compiled or not.
func (b builder) count(ctx context.Context) (int, error) {
	cmd := b.goCommand(ctx, append([]string{"list", "-deps"}, paths()...)...)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("go list: %w\n%s", err, complaint.String())
	}
	return strings.Count(string(out), "\n"), nil
}

func (b builder) compile(ctx context.Context, version, out string, total int) error {
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	args := append([]string{"build", "-v", "-trimpath", "-ldflags", linkerFlags(version), "-o", out + "/"}, paths()...)
	cmd := b.goCommand(ctx, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	last := b.follow(stderr, total)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("go build: %w\n%s", errors.Join(ctx.Err(), err), strings.Join(last, "\n"))
	}
	return nil
}

// follow counts the packages that are named as they are compiled, and returns the last lines.
func (b builder) follow(r io.Reader, total int) (last []string) {
	done := 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		last = append(last, lines.Text())
		last = last[max(0, len(last)-lastLines):]
		if !strings.Contains(lines.Text(), " ") { // others are complaints and downloads
			done++
			if b.progress != nil {
				b.progress(min(done, total), total)
			}
		}
	}
	return last
}
