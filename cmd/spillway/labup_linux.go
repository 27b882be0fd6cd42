package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/spillway-lb/spillway/internal/lab/isolate"
	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/servers"
	"github.com/spillway-lb/spillway/internal/lab/statedir"
	"github.com/spillway-lb/spillway/internal/lab/supervise"
)

const labUpLong = `Start a lab: build the servers if that has not been done (once; some five minutes on two cores), then bring up every cluster.

The clusters' regions follow from their names (gke-west-1 is in us-west1, prod-europe-west4 in europe-west4), or are given with
--cluster. The first cluster is the fleet's config cluster. Once everything is up the command returns and the lab goes on, until
` + "`spillway lab down`" + `; with --foreground it stays until Ctrl-C.`

// labUp is one call of `spillway lab up`.
type labUp struct {
	*lab
	options        plan.Options
	servers        string
	foreground     bool
	controller     bool
	controllerArgs []string
	webhook        bool
}

func newLabUpCommand(l *lab) *cobra.Command {
	u := labUp{lab: l}
	cmd := &cobra.Command{
		Use: "up", Short: "Start a lab", Long: labUpLong, Args: cobra.NoArgs,
		Example: "  spillway lab up --clusters gke-west-1,gke-east-1\n  spillway lab up --clusters a,b --cluster a=us-west1 --cluster b=europe-west4/europe-west4-a,europe-west4-b",
		RunE:    func(cmd *cobra.Command, _ []string) error { return u.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&u.options.Clusters, "clusters", plan.DefaultClusters, "names of the clusters; the first is the config cluster")
	flags.StringArrayVar(&u.options.Places, "cluster", nil, "NAME=REGION[/ZONE[,ZONE]]: where a cluster stands; repeatable")
	flags.IntVar(&u.options.Nodes, "nodes", 1, "how many Nodes each zone has")
	flags.StringVar(&u.options.Project, "project", plan.DefaultProject, "ID[:NUMBER] of the project that Nodes and resources name")
	flags.StringVar(&u.servers, "servers", os.Getenv("SPILLWAY_LAB_SERVERS"),
		"directory that has etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kubectl; nothing is built then (environment: SPILLWAY_LAB_SERVERS)")
	flags.BoolVar(&u.foreground, "foreground", false, "stay, and end the lab on Ctrl-C")
	flags.BoolVar(&u.controller, "controller", true, "run spillway controller over the clusters")
	flags.StringArrayVar(&u.controllerArgs, "controller-arg", nil, "an argument for spillway controller, such as --access-log=FILE; repeatable")
	flags.BoolVar(&u.webhook, "webhook", true, "have the API servers ask the controller before they take an object")
	return cmd
}

// labStart is what the supervisor inside is told.
type labStart struct {
	Plan           *plan.Plan
	Dir            statedir.Dir
	Servers        servers.Set
	Controller     bool
	ControllerArgs []string
	Webhook        bool
}

func (u *labUp) run(cmd *cobra.Command) error {
	p, err := plan.New(u.options)
	if err != nil {
		return err
	}
	d, err := u.dir()
	if err != nil {
		return err
	}
	claim, err := d.Claim()
	if err != nil {
		return err
	}
	defer func() { _ = claim.Close() }()
	ctx, stop := untilSignal(cmd.Context(), os.Exit, endings()...)
	defer stop()
	set, err := u.ensureServers(ctx, cmd.ErrOrStderr())
	if err != nil {
		return errors.Join(err, d.Remove())
	}
	has := func(c *cobra.Command) bool { return c.Name() == "controller" }
	err = u.start(ctx, cmd, claim, labStart{
		Plan: p, Dir: d, Servers: set, Controller: u.controller && slices.ContainsFunc(cmd.Root().Commands(), has), ControllerArgs: u.controllerArgs,
		Webhook: u.webhook,
	})
	if err != nil || u.foreground {
		err = errors.Join(err, d.Remove())
	}
	return err
}

// ensureServers shows how far a build is.
func (u *labUp) ensureServers(ctx context.Context, w io.Writer) (servers.Set, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return servers.Set{}, err
	}
	shown := 0
	return servers.Ensure(ctx, servers.Options{
		Given: u.servers, Cache: filepath.Join(cache, "spillway", "lab"),
		Begin: func(into string) {
			fmt.Fprintf(w, "building the servers of Kubernetes %s, once, into %s\n", servers.Version(), into)
		},
		Progress: func(done, total int) {
			if percent := 100 * done / total; percent >= shown+5 {
				shown = percent
				fmt.Fprintf(w, "building the servers: %d %% (%d of %d packages)\n", percent, done, total)
			}
		},
	})
}

// start runs the lab's first process, and waits until the lab is up, or over.
func (u *labUp) start(ctx context.Context, cmd *cobra.Command, claim *os.File, s labStart) error {
	began := time.Now()
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.Dir.Start(), text, 0o600); err != nil {
		return err
	}
	leash, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = hold.Close() }()
	news, say, err := os.Pipe()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(s.Dir.Log("lab"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	p, err := isolate.Start(isolate.Options{
		Args: []string{"lab", "init", s.Dir.Start()}, Env: os.Environ(), Files: []*os.File{leash, say, claim}, Log: log,
	})
	for _, f := range []*os.File{leash, say, log} {
		_ = f.Close()
	}
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	if err := os.WriteFile(pidFile(s.Dir), []byte(strconv.Itoa(p.Pid())), 0o600); err != nil {
		return errors.Join(err, p.Signal(syscall.SIGKILL), <-ended)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "lab %s: isolated %s\n", s.Dir.Name, p.Way)
	stopped := context.AfterFunc(ctx, func() { _ = hold.Close() })
	defer stopped()
	if err := follow(news, cmd.ErrOrStderr()); err != nil {
		_ = hold.Close()
		<-ended
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if errors.Is(err, errSilent) {
			return fmt.Errorf("%w; its log: %s", err, lastOf(s.Dir.Log("lab")))
		}
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "lab %s is up after %.1f s: %s\n", s.Dir.Name, time.Since(began).Seconds(), strings.Join(s.Plan.Names(), ", "))
	fmt.Fprintf(cmd.OutOrStdout(), "  spillway lab exec -- kubectl get nodes --context %s\n  spillway lab shell\n  spillway lab down\n", s.Plan.Names()[0])
	if !u.foreground {
		_, err := hold.Write([]byte{1})
		return err
	}
	return <-ended // it ends when the leash is let go, or by itself
}

// lastOf is the end of a log that explains an error.
func lastOf(path string) string {
	b, err := os.ReadFile(path)
	if err != nil || len(b) == 0 {
		return "it is empty"
	}
	return "\n" + string(b[max(0, len(b)-2000):])
}

// The lines that the supervisor says: progress, and one of these.
const (
	newsReady = "ready"
	newsError = "error "
)

// errSilent is a lab that ended without a word.
var errSilent = errors.New("the lab ended before it was up")

// follow prints progress until the lab is up; an error says why it will not be.
func follow(news *os.File, w io.Writer) error {
	defer func() { _ = news.Close() }()
	for lines := bufio.NewScanner(news); lines.Scan(); {
		line := lines.Text()
		text, failed := strings.CutPrefix(line, newsError)
		switch {
		case line == newsReady:
			return nil
		case failed:
			var why string
			if json.Unmarshal([]byte(text), &why) != nil {
				why = text
			}
			return errors.New(why)
		}
		fmt.Fprintln(w, line)
	}
	return errSilent
}

// pidFile has the number of the lab's first process, as seen from outside.
func pidFile(d statedir.Dir) string { return filepath.Join(d.Path, "pid") }

// firstProcess is a descriptor of it, if it lives.
func firstProcess(d statedir.Dir) (int, error) {
	text, err := os.ReadFile(pidFile(d))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return 0, err
	}
	first, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return 0, err
	}
	// The number may be another's by now: the lab's has its directory in its arguments.
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil || !strings.Contains(string(line), d.Start()) {
		return 0, errors.Join(errors.New("the lab's first process is gone"), unix.Close(first))
	}
	return first, nil
}

// newLabInitCommand is the first process of the namespaces.
func newLabInitCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init START", Hidden: true, Args: exactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			say := os.NewFile(4, "news")
			if os.Getpid() != 1 {
				return errors.New("this is for `spillway lab up` to run")
			}
			if err := isolate.Enter(isolate.Network{Addresses: plan.Addresses}); err != nil {
				sayError(say, err)
				return err
			}
			path, err := os.Executable()
			if err != nil {
				return err
			}
			child := exec.Command(path, "lab", "supervise", args[0])
			child.Stdout, child.Stderr, child.ExtraFiles = os.Stdout, os.Stderr, []*os.File{os.NewFile(3, "leash"), say}
			status, err := isolate.Babysit(child)
			if err != nil {
				return err
			}
			os.Exit(status)
			return nil
		},
	}
}

func sayError(say io.Writer, err error) {
	text, _ := json.Marshal(err.Error()) // a string always marshals
	fmt.Fprintf(say, "%s%s\n", newsError, text)
}

// newLabSuperviseCommand is what does the work inside.
func newLabSuperviseCommand() *cobra.Command {
	return &cobra.Command{
		Use: "supervise START", Hidden: true, Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			var s labStart
			if err := json.Unmarshal(text, &s); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
			defer stop()
			leash, say := os.NewFile(3, "leash"), os.NewFile(4, "news")
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			go obey(leash, cancel)
			err = supervise.Run(ctx, supervise.Config{
				Plan: s.Plan, Dir: s.Dir, Servers: s.Servers, Way: string(isolate.Inside()), Controller: s.Controller, ControllerArgs: s.ControllerArgs,
				Webhook: s.Webhook,
				Say:     func(text string) { fmt.Fprintln(say, text) },
				Ready:   func() { fmt.Fprintln(say, newsReady); _ = say.Close() },
				Logger:  slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			})
			if err != nil {
				sayError(say, err)
			}
			return err
		},
	}
}

// obey ends the lab when whoever started it has gone without letting it go.
func obey(leash *os.File, end context.CancelFunc) {
	if n, _ := leash.Read(make([]byte, 1)); n == 0 {
		end()
	}
}
