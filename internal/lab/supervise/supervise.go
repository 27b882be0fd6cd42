// Package supervise runs a lab from inside its namespaces: the servers of every cluster, their Nodes and Pods, the controller,
// and the commands that users run in there.
//
// In: a plan, the programs, a directory. Out: clusters that answer, until the context ends or somebody asks for it.
//
//	err := supervise.Run(ctx, supervise.Config{Plan: p, Dir: dir, Servers: set, Say: say, Ready: ready})
//
// It need not clean up processes: they end with the namespace. It gives Pods and the controller a moment to end in order.
package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/spillway-lb/spillway/internal/lab/node"
	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/servers"
	"github.com/spillway-lb/spillway/internal/lab/statedir"
	"github.com/spillway-lb/spillway/internal/lab/wire"
)

const (
	// startLimit is how long clusters may take to come up, on whatever machine.
	startLimit = 10 * time.Minute
	// endGrace is what Pods and the controller get at the end.
	endGrace = 3 * time.Second
)

// Config is what to run.
type Config struct {
	Plan    *plan.Plan
	Dir     statedir.Dir
	Servers servers.Set
	// Way says how the namespaces came about.
	Way string
	// Controller is whether `spillway controller` is to run, too, with these arguments on top.
	Controller     bool
	ControllerArgs []string
	// Webhook is whether API servers ask the controller before they take an object.
	Webhook bool
	// Say tells progress; Ready is called once everything is up.
	Say    func(text string)
	Ready  func()
	Logger *slog.Logger
}

type supervisor struct {
	config    Config
	since     time.Time
	authority *authority
	token     string
	daemons   daemons
	clusters  []*cluster
	agent     *node.Agent
	fleet     *fleetState
	links     *links

	mu         sync.Mutex
	controller *daemon

	up     atomic.Bool // everything has started
	cancel context.CancelFunc
}

// Run runs the lab. It returns when the context ends, when it is asked to, or when it cannot start.
func Run(ctx context.Context, config Config) error {
	s := &supervisor{config: config, since: time.Now(), token: newToken(), fleet: newFleetState(config.Plan)}
	var err error
	if s.authority, err = newAuthority(s.since); err != nil {
		return err
	}
	if err := s.writeFiles(); err != nil {
		return err
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: config.Dir.Socket(), Net: "unix"})
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	if err := os.Chmod(config.Dir.Socket(), 0o600); err != nil {
		return err
	}
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	go s.serve(ctx, listener)
	if err := s.start(ctx); err != nil {
		return err
	}
	s.up.Store(true)
	config.Ready()
	<-ctx.Done()
	s.end()
	return nil
}

func (s *supervisor) say(format string, args ...any) { s.config.Say(fmt.Sprintf(format, args...)) }

// writeFiles writes what users read: the plan and the kubeconfig. Temporary files of Pods go below the lab's directory.
func (s *supervisor) writeFiles() error {
	text, err := json.MarshalIndent(s.config.Plan, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(s.config.Dir.Plan(), text, 0o600),
		writeKubeconfig(s.config.Dir.Kubeconfig(), s.config.Plan.Clusters, plan.Cluster.APIServer, s.authority.pem, s.token),
		os.Setenv("TMPDIR", s.config.Dir.Temporary()),
	)
}

// start brings everything up: the clusters side by side, then their Nodes, then the controller.
func (s *supervisor) start(life context.Context) error {
	ctx, cancel := context.WithTimeout(life, startLimit)
	defer cancel()
	for _, p := range s.config.Plan.Clusters {
		c, err := s.prepare(p)
		if err != nil {
			return fmt.Errorf("cluster %s: %w", p.Name, err)
		}
		s.clusters = append(s.clusters, c)
	}
	s.say("starting %d clusters", len(s.clusters))
	group, starting := errgroup.WithContext(ctx)
	for _, c := range s.clusters {
		group.Go(func() error {
			if err := s.startCluster(starting, c); err != nil {
				return fmt.Errorf("cluster %s: %w", c.plan.Name, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if err := s.startAgent(ctx); err != nil {
		return err
	}
	if err := s.openLinks(life); err != nil {
		return err
	}
	return s.startController()
}

// openLinks opens the controller's ways to the API servers.
func (s *supervisor) openLinks(ctx context.Context) error {
	s.links = newLinks(s.config.Plan)
	for _, l := range s.links.all {
		if err := l.serve(ctx); err != nil {
			return err
		}
	}
	return writeKubeconfig(controllerKubeconfig(s.config.Dir), s.config.Plan.Clusters, linkTo, s.authority.pem, s.token)
}

func (s *supervisor) nodeAddresses() []netip.Addr {
	var all []netip.Addr
	for _, c := range s.config.Plan.Clusters {
		for _, n := range s.config.Plan.NodesOf(c) {
			all = append(all, n.Address)
		}
	}
	return all
}

// startAgent runs the Nodes and Pods of every cluster.
func (s *supervisor) startAgent(ctx context.Context) error {
	certificate, key, err := s.authority.issue("kubelet", s.nodeAddresses())
	if err != nil {
		return err
	}
	members := make([]node.Member, len(s.clusters))
	for i, c := range s.clusters {
		members[i] = node.Member{Plan: c.plan, Nodes: s.config.Plan.NodesOf(c.plan), Config: c.config}
	}
	s.agent, err = node.Start(ctx, node.Options{
		Members: members, Project: s.config.Plan.Project, Version: s.config.Servers.Version, Certificate: certificate, Key: key,
		Logger: s.config.Logger,
	})
	if err == nil {
		s.say("nodes are ready")
	}
	return err
}

// end gives Pods and the controller a moment. The kernel ends what is left.
func (s *supervisor) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endGrace)
	defer cancel()
	s.stopController(ctx)
	s.agent.Close(ctx)
}

// serve answers commands.
func (s *supervisor) serve(ctx context.Context, l *net.UnixListener) {
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return // it was closed
		}
		go func() {
			c, request, files, err := wire.Accept(conn)
			if err != nil {
				_ = conn.Close() // somebody looked whether the lab answers
				return
			}
			defer func() { _ = c.Close() }()
			if !s.up.Load() && request.Op != wire.Down {
				wire.Close(files)
				_ = c.Send(wire.Reply{Error: "the lab is starting"})
				return
			}
			if request.Op == wire.Exec {
				s.exec(ctx, c, request, files)
				return
			}
			wire.Close(files)
			reply, err := s.answer(ctx, request)
			if err != nil {
				reply.Error = err.Error()
			}
			_ = c.Send(reply) // who has gone away wants no answer
			if request.Op == wire.Down {
				s.cancel()
			}
		}()
	}
}

func (s *supervisor) answer(ctx context.Context, r wire.Request) (wire.Reply, error) {
	switch r.Op {
	case wire.Down:
		return wire.Reply{}, nil
	case wire.Status:
		return wire.Reply{State: s.state()}, nil
	case wire.Logs:
		b, next, err := s.agent.Logs(r.Cluster, r.Namespace, r.Pod, r.Container, r.From)
		return wire.Reply{Logs: b, Next: next}, err
	case wire.KillPod:
		text, err := s.agent.Kill(r.Cluster, r.Namespace, r.Pod, r.Container)
		return wire.Reply{Text: text}, err
	case wire.CrashController:
		return s.crashController()
	case wire.Partition, wire.Heal:
		return s.partition(r)
	case wire.Fleet:
		return s.changeFleet(ctx, r)
	case wire.Exec:
	}
	return wire.Reply{}, fmt.Errorf("the lab knows no %q; is it of another version?", r.Op)
}

// self is this program.
func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return exec.LookPath("spillway")
	}
	return path, nil
}
