package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"time"

	"k8s.io/client-go/rest"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/lab/servers"
)

// poll is how often something that starts is asked whether it is ready.
const poll = 50 * time.Millisecond

// cluster is one cluster that runs.
type cluster struct {
	plan    plan.Cluster
	files   files
	daemons []*daemon
	config  *rest.Config
}

// trouble is what is not in order about its servers.
func (c *cluster) trouble() string {
	for _, d := range c.daemons {
		if t := d.trouble(); t != "" {
			return t
		}
	}
	return ""
}

// prepare writes what its servers read.
func (s *supervisor) prepare(p plan.Cluster) (*cluster, error) {
	c := &cluster{plan: p, files: files{s.config.Dir.Data(p.Name)}}
	service := address.Nth(p.Services(), 1) // of the Service "kubernetes"
	token := []byte(s.token + ",admin,1,system:masters\n")
	if err := os.MkdirAll(c.files.dir, 0o700); err != nil {
		return nil, err
	}
	err := errors.Join(
		s.authority.writePair(c.files.certificate(), c.files.key(), "kube-apiserver", []netip.Addr{p.APIServer().Addr(), linkTo(p).Addr(), service},
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
		writeSigningKey(c.files.signing()),
		os.WriteFile(c.files.authority(), s.authority.pem, 0o600),
		os.WriteFile(c.files.tokens(), token, 0o600),
		writeKubeconfig(c.files.kubeconfig(), []plan.Cluster{p}, plan.Cluster.APIServer, s.authority.pem, s.token),
		writeKubeconfig(s.config.Dir.Members()+"/"+p.Name, []plan.Cluster{p}, plan.Cluster.APIServer, s.authority.pem, s.token),
	)
	if err != nil {
		return nil, err
	}
	c.config = &rest.Config{
		Host: "https://" + p.APIServer().String(), BearerToken: s.token, TLSClientConfig: rest.TLSClientConfig{CAData: s.authority.pem},
		QPS: 200, Burst: 400, UserAgent: "spillway-lab",
	}
	return c, nil
}

// startCluster brings a cluster's servers up, one after the other.
func (s *supervisor) startCluster(ctx context.Context, c *cluster) error {
	etcd := s.startServer(c, servers.Etcd, etcdArguments(c.plan, c.files))
	if err := s.await(ctx, etcd, http.DefaultClient, "http://"+c.plan.Etcd().String()+"/health"); err != nil {
		return err
	}
	api := s.startServer(c, servers.APIServer, apiServerArguments(c.plan, c.files))
	client, err := rest.HTTPClientFor(c.config)
	if err != nil {
		return err
	}
	if err := s.await(ctx, api, client, c.config.Host+"/readyz"); err != nil {
		return err
	}
	s.startServer(c, servers.ControllerManager, controllerManagerArguments(c.plan, c.files))
	s.startServer(c, servers.Scheduler, schedulerArguments(c.plan, c.files))
	s.say("%s: API server ready", c.plan.Name)
	return installCRDs(ctx, client, c.config.Host)
}

func (s *supervisor) startServer(c *cluster, p servers.Program, args []string) *daemon {
	name := c.plan.Name + "-" + string(p)
	d := s.daemons.start(&daemon{
		name: name, path: s.config.Servers.Path(p), args: args, log: s.config.Dir.Log(name),
		// Several of them share one machine: less memory for a little more work.
		env: []string{"GOGC=60", "GOMAXPROCS=2"},
	})
	c.daemons = append(c.daemons, d)
	return d
}

// await waits until a server says that it is well.
func (s *supervisor) await(ctx context.Context, d *daemon, client *http.Client, url string) error {
	for {
		if err := d.crashed(); err != nil {
			return err
		}
		last := get(ctx, client, url)
		if last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w (%w)\n%s", d.name, last, ctx.Err(), lastLines(d.log))
		case <-time.After(poll):
		}
	}
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return err
}
