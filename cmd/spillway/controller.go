package main

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/membership"
	"github.com/spillway-lb/spillway/internal/place"
	"github.com/spillway-lb/spillway/internal/serve"
	"github.com/spillway-lb/spillway/internal/status"
)

const controllerLong = `Controller is Spillway for Kubernetes: it watches one or several clusters, and serves what their Gateways, routes, Ingresses,
Services and policies ask for. Statuses, annotations, events, ServiceImports and the like are written to the API servers.

CLUSTERS
  By default the current context of what kubectl would use, or the cluster that the process runs in. --contexts names several
  contexts, --kubeconfig-dir a directory with a kubeconfig for each cluster; files that come and go there are clusters that join
  and leave. The config cluster holds the multi-cluster Gateways. A CRD that a cluster does not have is no error; it is picked up
  when it appears.

  A cluster that does not answer keeps serving what was last known of it, for --forget-after at most, and is shown as not
  REACHABLE by ` + "`spillway get clusters`" + `; with --state also over a restart.

ADDRESSES
  Each Gateway has an address of its own for each region, out of --address-pool. The network has to lead these addresses to the proxies.

PROXIES
  A proxy for each region of a cluster runs in this process. With --fleet, proxies in other processes take part
  (` + "`spillway proxy --controller`" + `); --data-plane none leaves the work to them.

ADMISSION
  With --webhook API servers ask before they take an object: what no other object can mend is refused, what else is amiss is a
  warning, and Pods that a Service with network endpoint groups selects get their readiness gate. A controller that does not
  answer holds nobody up.

REPLICAS
  Several replicas serve alike; with --leader-elect one of them writes, and another one goes on when it is gone. --replicas has one
  that starts take over what the others know and cannot be listed now.

ENDING
  SIGTERM and Ctrl-C let requests in flight end (--drain). /readyz of --admin answers 200 when everything has been read once.`

const controllerExample = `  spillway controller --contexts gke-west-1,gke-west-2,gke-east-1 --cluster gke-west-1=us-west1/us-west1-a
  spillway controller --kubeconfig-dir /etc/spillway/clusters --fleet :15010 --data-plane none --admin :9090 \
    --fleet-cert tls.crt --fleet-key tls.key --fleet-ca ca.crt`

// controllerFlags are the flags of `spillway controller`.
type controllerFlags struct {
	runFlags

	webhook                 webhookFlags
	source                  membership.Source
	places                  []string
	project, pool, install  string
	namespace, identity     string
	elect, gke              bool
	secrets                 bool
	providers               string
	replicas                []string
	staleAfter, forgetAfter time.Duration
}

func newControllerCommand() *cobra.Command {
	var f controllerFlags
	cmd := &cobra.Command{
		Use: "controller", Short: "Serve what the objects of Kubernetes clusters say", Long: controllerLong, Example: controllerExample,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.source.Kubeconfig, "kubeconfig", "", "kubeconfig; what kubectl would use if empty, or the cluster that the process runs in")
	flags.StringSliceVar(&f.source.Contexts, "contexts", nil, "contexts of the kubeconfig, a cluster each; the current one if empty")
	flags.StringVar(&f.source.Dir, "kubeconfig-dir", "", "directory with a kubeconfig for each cluster, which is called as the file is")
	flags.StringVar(&f.source.Config, "config-cluster", "", "cluster that holds multi-cluster Gateways; the first one if empty")
	flags.BoolVar(&f.secrets, "cluster-secrets", false, "Secrets of --namespace of the config cluster with the label "+membership.LabelCluster+" are clusters: their key kubeconfig says how each is reached")
	flags.StringVar(&f.providers, "cluster-profiles", "", "ClusterProfiles of --namespace of the config cluster are clusters; the file says which programs give credentials by which access provider (docs/controller.md)")
	flags.StringArrayVar(&f.places, "cluster", nil, "NAME=REGION[/ZONE[,ZONE]] of a cluster; by default what the labels of its Nodes say; repeatable")
	flags.StringVar(&f.project, "project", "", "ID[:NUMBER] of the project that names and paths of resources show; without a number, one that follows from the ID")
	flags.StringVar(&f.pool, "address-pool", "", "range of the addresses of Gateways and Ingresses, such as 10.200.0.0/16; 127.64.0.0/10 if empty, which only this machine reaches")
	flags.StringVar(&f.install, "install", status.DefaultInstall, "name of this install, where there are several: each changes only what it has made")
	flags.BoolVar(&f.gke, "gke-classes", true, "serve GatewayClasses of controller "+kind.GKEController+", and make GKE's; false leaves them to GKE, beside whose controller this one then runs")
	flags.BoolVar(&f.elect, "leader-elect", false, "with several replicas: one of them writes to API servers; all serve")
	flags.StringVar(&f.namespace, "namespace", "spillway-system", "namespace of the config cluster that holds the Lease of --leader-elect, the Secret of --webhook and what names further clusters; it has to exist")
	flags.StringVar(&f.identity, "identity", "", "name that tells replicas apart for --leader-elect; the host's name and the process's number if empty")
	flags.StringSliceVar(&f.replicas, "replicas", nil, `HOST:PORT of other replicas' --fleet, such as a headless Service's: one that starts takes over what they keep of clusters
that are away and of broken objects; their certificates share a DNS name with its own`)
	flags.DurationVar(&f.staleAfter, "stale-after", cluster.DefaultStaleAfter, "how long a cluster may not answer before it is shown as away")
	flags.DurationVar(&f.forgetAfter, "forget-after", cluster.DefaultForgetAfter, "how long what was last known of a cluster that is away counts")
	flags.StringVar(&f.from, "from", "", "home region, whose address statuses show first; the config cluster's region by default")
	flags.StringVar(&f.state, "state", serve.StateNone, `file that keeps over a restart what is published and what is known of clusters, private keys included; none with "none"`)
	f.webhook.addFlags(flags)
	f.addFlags(flags)
	return cmd
}

func (f *controllerFlags) run(cmd *cobra.Command) error {
	clusters, err := f.clusters()
	if err != nil {
		return err
	}
	state, err := f.statePath()
	if err != nil {
		return err
	}
	replicas, err := f.fleet.replicas(f.replicas)
	if err != nil {
		return err
	}
	klog.SetSlogLogger(f.logger(cmd.ErrOrStderr())) // client-go's
	return f.runFlags.run(cmd, serve.Config{Clusters: clusters, State: state, Replicas: replicas})
}

// statePath is absolute, or that of no state.
func (f *controllerFlags) statePath() (string, error) {
	if f.state == serve.StateNone || f.state == "" {
		return serve.StateNone, nil
	}
	return filepath.Abs(f.state)
}

// clusters are those that the flags name.
func (f *controllerFlags) clusters() (*serve.Clusters, error) {
	c := &serve.Clusters{Install: f.install, StaleAfter: f.staleAfter, ForgetAfter: f.forgetAfter, LeaveGKE: !f.gke}
	var err error
	if f.source.Places, err = placesOf(f.places); err != nil {
		return nil, err
	}
	if c.Project, err = projectOf(f.project); err != nil {
		return nil, err
	}
	if f.pool != "" {
		if c.Pool, err = poolOf(f.pool); err != nil {
			return nil, err
		}
	}
	if f.install == "" {
		return nil, errors.New("--install must not be empty")
	}
	if f.source.Inventory, err = f.inventory(); err != nil {
		return nil, err
	}
	if c.Webhook, err = f.webhook.config(f.namespace); err != nil {
		return nil, err
	}
	c.Members = f.source.Members
	if f.elect {
		c.Namespace = f.namespace
		c.Identity, err = identityOf(f.identity)
	}
	return c, err
}

// inventory is that of the config cluster, nil if no flag asks for it.
func (f *controllerFlags) inventory() (*membership.Inventory, error) {
	if !f.secrets && f.providers == "" {
		return nil, nil
	}
	n := &membership.Inventory{Namespace: f.namespace, Secrets: f.secrets}
	var err error
	if f.providers != "" {
		n.Providers, err = membership.LoadProviders(f.providers)
	}
	return n, err
}

// identityOf is who a replica is.
func identityOf(flag string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("--identity: %w", err)
	}
	return fmt.Sprintf("%s_%d", host, os.Getpid()), nil
}

// placesOf reads --cluster flags.
func placesOf(flags []string) (map[string]place.Place, error) {
	places := map[string]place.Place{}
	for _, flag := range flags {
		name, at, err := place.Parse(flag)
		if err != nil {
			return nil, err
		}
		places[name] = at
	}
	return places, nil
}

// projectOf reads --project. A project without a number has one that follows from its ID: paths of resources show it, and nobody's is 0.
func projectOf(flag string) (p spillwayv1alpha1.Project, err error) {
	id, number, numbered := strings.Cut(flag, ":")
	p.ID = id
	if numbered {
		if p.Number, err = strconv.ParseInt(number, 10, 64); err != nil {
			return p, fmt.Errorf("--project %s: it is ID[:NUMBER]", flag)
		}
		return p, nil
	}
	p.Number = numberOf(cmp.Or(id, fleet.DefaultProject))
	return p, nil
}

// numberOf is the number of a project, of twelve digits as Google's are.
func numberOf(id string) int64 {
	const first, count = 100_000_000_000, 900_000_000_000
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // it never fails
	return first + int64(h.Sum64()%count)
}

// smallestPool is the longest prefix of a pool: with fewer addresses than 14 names collide at once.
const smallestPool = 28

// poolOf reads --address-pool.
func poolOf(flag string) (netip.Prefix, error) {
	pool, err := netip.ParsePrefix(flag)
	switch {
	case err != nil:
		return pool, fmt.Errorf("--address-pool %s: it is a range such as 10.200.0.0/16", flag)
	case !pool.Addr().Is4() || pool.Bits() > smallestPool:
		return pool, fmt.Errorf("--address-pool %s: it has to be a range of IPv4, /%d or larger", flag, smallestPool)
	}
	return pool.Masked(), nil
}
