package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/statedir"
	"github.com/spillway-lb/spillway/internal/lab/wire"
)

const labLong = `Run a fleet on this machine: several real Kubernetes clusters (etcd, kube-apiserver, kube-controller-manager and
kube-scheduler each), with simulated Nodes whose Pods run as in ` + "`spillway serve`" + ` and have real addresses, and spillway
controller over them. No containers, no virtual machines.

Everything lives in namespaces of its own (processes, mounts, network), so nothing is left of it after ` + "`lab down`" + `, Ctrl-C or a
crash. Without root a namespace of users is made for it, where the system allows that; ` + "`lab status`" + ` says which way it was.

The network is the lab's own: its addresses (10.0.0.0/8) answer inside only, and nothing outside can be reached from there.
` + "`lab exec`" + ` and ` + "`lab shell`" + ` run commands inside, with kubectl and a context for each cluster.`

const labExample = `  spillway lab up --clusters gke-west-1,gke-west-2,gke-east-1
  spillway lab exec -- kubectl get nodes --context gke-west-1
  spillway lab shell
  spillway lab down`

// lab is what every command about a lab is told.
type lab struct{ name string }

func newLabCommand() *cobra.Command {
	var l lab
	cmd := &cobra.Command{Use: "lab", Short: "Run a fleet of real Kubernetes clusters on this machine", Long: labLong, Example: labExample}
	cmd.PersistentFlags().StringVar(&l.name, "name", labFromEnvironment(), "name of the lab (environment: SPILLWAY_LAB)")
	cmd.AddCommand(
		newLabUpCommand(&l), newLabExecCommand(&l), newLabShellCommand(&l), newLabStatusCommand(&l), newLabDownCommand(&l),
		newLabLogsCommand(&l), newLabKillPodCommand(&l), newLabCrashControllerCommand(&l), newLabPartitionCommand(&l),
		newLabInitCommand(), newLabSuperviseCommand(),
	)
	return cmd
}

// labFromEnvironment is the lab that a command is in, or the default.
func labFromEnvironment() string {
	if name := os.Getenv("SPILLWAY_LAB"); name != "" {
		return name
	}
	return statedir.DefaultName
}

func (l *lab) dir() (statedir.Dir, error) {
	base, err := statedir.Base()
	if err != nil {
		return statedir.Dir{}, err
	}
	return statedir.Of(base, l.name)
}

// ask asks the lab something that has one answer.
func (l *lab) ask(r wire.Request) (wire.Reply, error) {
	d, err := l.dir()
	if err != nil {
		return wire.Reply{}, err
	}
	reply, err := wire.Ask(d.Socket(), r)
	return reply, l.explain(err)
}

// explain says of a lab that nobody answers for how to get one.
func (l *lab) explain(err error) error {
	if !errors.Is(err, syscall.ENOENT) && !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	text := fmt.Sprintf("no lab named %q runs", l.name)
	base, baseErr := statedir.Base()
	if baseErr != nil {
		return errors.New(text)
	}
	all, _ := statedir.All(base)
	var others []string
	for _, d := range all {
		if _, err := wire.Ask(d.Socket(), wire.Request{Op: wire.Status}); err == nil {
			others = append(others, d.Name)
		}
	}
	if len(others) > 0 {
		return fmt.Errorf("%s; these do: %s (--name)", text, strings.Join(others, ", "))
	}
	return fmt.Errorf("%s: start one with `spillway lab up`", text)
}

func newLabStatusCommand(l *lab) *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Show a lab's clusters and how they are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reply, err := l.ask(wire.Request{Op: wire.Status})
			if err != nil {
				return err
			}
			printState(cmd.OutOrStdout(), reply.State)
			return nil
		},
	}
}

func printState(w io.Writer, s *wire.State) {
	fmt.Fprintf(w, "lab %s: up since %s, Kubernetes %s, isolated %s\n", s.Name, s.Since.Format(time.DateTime), s.Version, s.Way)
	fmt.Fprintf(w, "controller: %s; memory of all processes: %d MiB\n", s.Controller, s.Memory>>20)
	rows := [][]string{{"CLUSTER", "REGION", "ZONES", "FLEET", "NODES", "PODS", "API SERVER", "STATE"}}
	for _, c := range s.Clusters {
		fleet, state := "-", "ok"
		switch {
		case c.Config:
			fleet = "config cluster"
		case c.Member:
			fleet = "member"
		}
		if c.Trouble != "" {
			state = c.Trouble
		}
		if len(c.Cut) > 0 {
			state += "; cut from " + strings.Join(c.Cut, ", ")
		}
		rows = append(rows, []string{
			c.Name, c.Region, strings.Join(c.Zones, ","), fleet, fmt.Sprint(c.Nodes), fmt.Sprint(c.Pods), c.Server, state,
		})
	}
	printColumns(w, rows)
}

// printColumns aligns what is in columns, with three blanks between them as kubectl has.
func printColumns(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-len(cell)+3))
			}
		}
		fmt.Fprintln(w, line.String())
	}
}

// downLimit is how long a lab may take to end.
const downLimit = 30 * time.Second

func newLabDownCommand(l *lab) *cobra.Command {
	return &cobra.Command{
		Use: "down", Short: "End a lab and remove what it kept", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := l.dir()
			if err != nil {
				return err
			}
			if err := l.end(d); err != nil {
				return err
			}
			// Nobody runs it any more: what is left are files.
			claim, err := d.Claim()
			if err != nil {
				return err
			}
			defer func() { _ = claim.Close() }()
			if err := d.Remove(); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "lab %s is down\n", l.name)
			return nil
		},
	}
}

// end asks the lab to end, and waits until its first process has: then the kernel has ended all others.
func (l *lab) end(d statedir.Dir) error {
	first, err := firstProcess(d)
	if err != nil {
		if _, gone := os.Stat(d.Path); gone == nil {
			return nil // it has crashed; its files are there
		}
		return l.explain(syscall.ENOENT)
	}
	defer func() { _ = unix.Close(first) }()
	if _, err := wire.Ask(d.Socket(), wire.Request{Op: wire.Down}); err != nil {
		if err := unix.PidfdSendSignal(first, unix.SIGKILL, nil, 0); err != nil {
			return fmt.Errorf("the lab does not answer and cannot be killed: %w", err)
		}
	}
	if awaitExit(first, downLimit) {
		return nil
	}
	if err := unix.PidfdSendSignal(first, unix.SIGKILL, nil, 0); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	if !awaitExit(first, downLimit) {
		return errors.New("the lab does not end")
	}
	return nil
}

// awaitExit returns false if a process takes longer.
func awaitExit(pidfd int, limit time.Duration) bool {
	deadline := time.Now().Add(limit)
	for time.Until(deadline) > 0 {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, int(time.Until(deadline).Milliseconds())+1)
		if err == nil && n > 0 {
			return true
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
	}
	return false
}

// podFlags choose a Pod of a lab.
type podFlags struct {
	context, namespace, container string
}

func (f *podFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.context, "context", "", "the cluster; the lab's first by default")
	flags.StringVarP(&f.namespace, "namespace", "n", "default", "the namespace")
	flags.StringVarP(&f.container, "container", "c", "", "the container; the first one by default")
}

func (f *podFlags) request(l *lab, op wire.Op, pod string) (wire.Request, error) {
	if f.context == "" {
		p, err := l.plan()
		if err != nil {
			return wire.Request{}, err
		}
		f.context = p.Clusters[0].Name
	}
	return wire.Request{Op: op, Cluster: f.context, Namespace: f.namespace, Pod: strings.TrimPrefix(pod, "pod/"), Container: f.container}, nil
}

// plan is what the lab was started with.
func (l *lab) plan() (*plan.Plan, error) {
	reply, err := l.ask(wire.Request{Op: wire.Status})
	if err != nil {
		return nil, err
	}
	p := &plan.Plan{}
	for _, c := range reply.State.Clusters {
		p.Clusters = append(p.Clusters, plan.Cluster{Name: c.Name, Region: c.Region, Zones: c.Zones})
	}
	return p, nil
}

// followLabPeriod is how often more of a log is asked for.
const followLabPeriod = 200 * time.Millisecond

func newLabLogsCommand(l *lab) *cobra.Command {
	var f podFlags
	var follow bool
	cmd := &cobra.Command{
		Use: "logs POD", Short: "Print the logs of a container of a Pod in a lab", Args: exactArgs(1),
		Example: "  spillway lab logs store-5f5b954888-dg22z -n store --context gke-east-1 -f",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.request(l, wire.Logs, args[0])
			if err != nil {
				return err
			}
			for {
				reply, err := l.ask(r)
				if err != nil {
					return err
				}
				if _, err := cmd.OutOrStdout().Write(reply.Logs); err != nil || !follow {
					return err
				}
				r.From = reply.Next
				select {
				case <-cmd.Context().Done():
					return nil
				case <-time.After(followLabPeriod):
				}
			}
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "print on as more comes")
	return cmd
}

func newLabKillPodCommand(l *lab) *cobra.Command {
	var f podFlags
	cmd := &cobra.Command{
		Use: "kill-pod POD", Short: "Kill a container of a Pod, as a crash does", Args: exactArgs(1),
		Example: "  spillway lab kill-pod store-5f5b954888-dg22z -n store --context gke-east-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := f.request(l, wire.KillPod, args[0])
			if err != nil {
				return err
			}
			return l.tell(cmd, r)
		},
	}
	f.add(cmd)
	return cmd
}

func newLabCrashControllerCommand(l *lab) *cobra.Command {
	return &cobra.Command{
		Use: "crash-controller", Short: "Kill the lab's controller, as a crash does; it starts again", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.tell(cmd, wire.Request{Op: wire.CrashController}) },
	}
}

func newLabPartitionCommand(l *lab) *cobra.Command {
	var heal bool
	cmd := &cobra.Command{
		Use: "partition A B", Short: "Cut two clusters from each other, or heal that", Args: exactArgs(2),
		Long: `Cut two clusters from each other. The controller stands in the config cluster: cut from that, a cluster's API server is as silent
for it as behind a network that drops everything. Requests to Pods are not cut: the lab's proxies are one process.`,
		Example: "  spillway lab partition gke-west-1 gke-east-1\n  spillway lab partition --heal gke-west-1 gke-east-1",
		RunE: func(cmd *cobra.Command, args []string) error {
			r := wire.Request{Op: wire.Partition, Cluster: args[0], Other: args[1]}
			if heal {
				r.Op = wire.Heal
			}
			return l.tell(cmd, r)
		},
	}
	cmd.Flags().BoolVar(&heal, "heal", false, "let them reach each other again")
	return cmd
}

// tell asks for something to be done, and prints what was.
func (l *lab) tell(cmd *cobra.Command, r wire.Request) error {
	reply, err := l.ask(r)
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.OutOrStdout(), reply.Text)
	return nil
}

const fleetLong = `Choose which clusters of a lab are members of its fleet, and which one is the config cluster: what the gcloud container fleet
commands of Google's tutorials do (docs/compatibility.md).`

func newFleetCommand() *cobra.Command {
	var l lab
	cmd := &cobra.Command{
		Use: "fleet", Short: "Choose the members of a lab's fleet", Long: fleetLong,
		Example: "  spillway fleet list\n  spillway fleet unregister gke-west-2\n  spillway fleet config gke-east-1",
	}
	cmd.PersistentFlags().StringVar(&l.name, "lab", labFromEnvironment(), "name of the lab (environment: SPILLWAY_LAB)")
	for verb, short := range map[string]string{
		"register":   "Make a cluster a member of the fleet",
		"unregister": "Let a cluster leave the fleet",
		"config":     "Make a member the config cluster",
	} {
		cmd.AddCommand(&cobra.Command{
			Use: verb + " CLUSTER", Short: short, Args: exactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return l.tell(cmd, wire.Request{Op: wire.Fleet, Verb: verb, Cluster: args[0]})
			},
		})
	}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List the members of the fleet", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			reply, err := l.ask(wire.Request{Op: wire.Status})
			if err == nil {
				printMembers(cmd.OutOrStdout(), reply.State.Clusters)
			}
			return err
		},
	})
	return cmd
}

func printMembers(w io.Writer, clusters []wire.Cluster) {
	rows := [][]string{{"NAME", "LOCATION", "CONFIG CLUSTER"}}
	for _, c := range clusters {
		if c.Member {
			config := ""
			if c.Config {
				config = "yes"
			}
			rows = append(rows, []string{c.Name, c.Region, config})
		}
	}
	printColumns(w, slices.Clip(rows))
}
