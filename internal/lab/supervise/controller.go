package supervise

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/statedir"
	"github.com/spillway-lb/spillway/internal/lab/wire"
)

// controllerName is what the controller's program and log are called.
const controllerName = "controller"

// controllerArguments are those of `spillway controller` for the members of the fleet.
func controllerArguments(c *Config, members []string, config string) []string {
	p, dir := c.Plan, c.Dir
	args := []string{
		"controller", "--kubeconfig=" + controllerKubeconfig(dir), "--contexts=" + strings.Join(members, ","), "--config-cluster=" + config,
		fmt.Sprintf("--project=%s:%d", p.Project, p.Number), "--address-pool=" + plan.Gateways.String(), "--socket=" + dir.Controller(), "--state=" + dir.Path + "/controller.state",
	}
	for _, c := range p.Clusters {
		args = append(args, "--cluster="+c.Name+"="+c.Region+"/"+strings.Join(c.Zones, ","))
	}
	if c.Webhook {
		// The namespace of the Secret is one that every cluster has.
		args = append(args, "--webhook="+plan.Webhook.String(), "--webhook-url=https://"+plan.Webhook.String(), "--namespace=kube-system")
	}
	return append(args, c.ControllerArgs...)
}

// controllerKubeconfig leads over the links, which can be cut.
func controllerKubeconfig(dir statedir.Dir) string { return dir.Path + "/controller.kubeconfig" }

// startController runs the controller, if there is to be one.
func (s *supervisor) startController() error {
	if !s.config.Controller {
		return nil
	}
	path, err := self()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.controller = s.daemons.start(&daemon{
		name: controllerName, path: path, log: s.config.Dir.Log(controllerName),
		args: controllerArguments(&s.config, s.fleet.list(), s.fleet.configCluster()),
	})
	s.say("controller started")
	return nil
}

func (s *supervisor) stopController(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.controller != nil {
		s.controller.stop(ctx)
		s.daemons.drop(s.controller)
		s.controller = nil
	}
}

// restartGrace is what the controller gets to end before it is started with other members.
const restartGrace = 5 * time.Second

func (s *supervisor) restartController(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, restartGrace)
	defer cancel()
	s.stopController(ctx)
	return s.startController()
}

// crashController kills it as a crash does; it is started again.
func (s *supervisor) crashController() (wire.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.controller == nil {
		return wire.Reply{}, errors.New("the lab runs no controller")
	}
	return wire.Reply{Text: "killed the controller; it starts again"}, s.controller.kill()
}

func (s *supervisor) controllerState() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.controller == nil:
		return "none"
	case s.controller.trouble() != "":
		return s.controller.trouble()
	}
	return "running"
}
