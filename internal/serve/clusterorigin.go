package serve

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	membercluster "github.com/spillway-lb/spillway/internal/cluster"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/leader"
	"github.com/spillway-lb/spillway/internal/outbox"
	"github.com/spillway-lb/spillway/internal/persist"
	"github.com/spillway-lb/spillway/internal/store"
)

// membersInterval is how often members are looked for.
const membersInterval = 5 * time.Second

// Clusters is how API servers are watched and written to.
type Clusters struct {
	// Members finds them, and says what of it cannot be used; it is asked now and then. What it finds at the start has to be usable; a
	// membership.UnlistedError is, if there is state.
	Members func(say func(format string, args ...any)) ([]membercluster.Member, error)
	Project spillwayv1alpha1.Project
	// Install is the name in the marks of objects that this install makes.
	Install string
	// StaleAfter is how long a cluster may not answer before it is shown as away; what was last known of it counts for ForgetAfter.
	StaleAfter, ForgetAfter time.Duration
	// Pool is the range of the addresses of Gateways and Ingresses; loopback's if it is not valid.
	Pool netip.Prefix
	// Namespace is that of the Lease in the config cluster by which one of several replicas writes; "" has this one write always.
	// Identity tells the replicas apart.
	Namespace, Identity string
	// LeaveGKE has classes of GKE's controller made, claimed and spoken of by nobody but GKE.
	LeaveGKE bool
	Webhook  Webhook
}

// clusterOrigin is the API servers of clusters.
type clusterOrigin struct {
	config  *Clusters
	report  *reporter
	members []membercluster.Member // of the start
	set     *membercluster.Set
	box     *outbox.Outbox
	clients *clients
	leader  *leader.Leader // nil: this process always writes
	webhook *webhook
	trouble string // why members could not be found the last time
}

func newClusterOrigin(s *server, kept *persist.State) (*clusterOrigin, error) {
	c := s.config.Clusters
	o := &clusterOrigin{config: c, report: s.report}
	members, err := o.membersAtStart(kept)
	if err != nil {
		return nil, err
	}
	o.members = members
	o.set = membercluster.New(membercluster.Config{
		Store: s.store, Install: c.Install, Project: c.Project, StaleAfter: c.StaleAfter, ForgetAfter: c.ForgetAfter,
		Say: s.report.say, Now: s.config.Now,
	})
	o.clients = &clients{set: o.set, home: configCluster(members), known: map[string]known{}}
	o.box = outbox.New(outbox.Config{
		Store: s.store, Clients: o.clients.of, Owner: ownership(c.Install, fact.Controllers(s.store.Snapshot())), Now: s.config.Now, Say: s.report.say,
	})
	s.store.Commit(func(tx *store.Tx) {
		tx.SetFact(fact.Allocating(), true)
		if c.Pool.IsValid() {
			tx.SetFact(fact.AddressPool(), c.Pool)
		}
	})
	o.set.Restore(kept.Objects)
	if o.webhook, err = newWebhook(o, s.config.Now); err != nil {
		return nil, err
	}
	return o, o.newLeader()
}

// configMember is the config cluster; ok is false if there is none.
func configMember(members []membercluster.Member) (m membercluster.Member, ok bool) {
	if i := slices.IndexFunc(members, func(m membercluster.Member) bool { return m.ConfigCluster }); i >= 0 {
		return members[i], true
	}
	return m, false
}

// configCluster is the name of the config cluster; "" if there is none.
func configCluster(members []membercluster.Member) string {
	m, _ := configMember(members)
	return m.Name
}

func (o *clusterOrigin) name() string {
	names := make([]string, len(o.members))
	for i, m := range o.members {
		names[i] = m.Name
	}
	return "clusters " + strings.Join(names, ", ")
}

// follow watches the members as they come and go.
func (o *clusterOrigin) follow(ctx context.Context) {
	o.set.Follow(o.members)
	var watching sync.WaitGroup
	watching.Go(func() { o.set.Run(ctx) })
	defer watching.Wait()
	for pause(ctx, membersInterval) {
		o.look()
	}
}

// look finds the members again. Those that cannot be found stay as they are.
func (o *clusterOrigin) look() {
	members, err := o.config.Members(o.report.say)
	if err != nil {
		o.complain(err)
		return
	}
	o.trouble = ""
	o.set.Follow(members)
}

// complain tells a trouble once.
func (o *clusterOrigin) complain(err error) {
	if text := err.Error(); text != o.trouble {
		o.trouble = text
		o.report.say("clusters stay as they are: %v", err)
	}
}

// loaded does not wait for clusters that are away.
func (o *clusterOrigin) loaded() <-chan struct{} { return o.set.Settled() }

// waiting names the clusters that have not said everything, and what is missing.
func (o *clusterOrigin) waiting() string { return waitingFor(o.set.Health()) }

func waitingFor(all []membercluster.Health) string {
	var lines []string
	for _, h := range all {
		switch {
		case h.Waiting != "":
			lines = append(lines, fmt.Sprintf("cluster %s: not read yet: %s", h.Name, h.Waiting))
		case h.Stale:
			lines = append(lines, fmt.Sprintf("cluster %s does not answer", h.Name))
		}
	}
	return strings.Join(lines, "\n")
}

// await is nil: API servers add what they add when they do.
func (o *clusterOrigin) await() func(context.Context, uint64) { return nil }

// work writes what the store says, while this process leads.
func (o *clusterOrigin) work(ctx context.Context) {
	select {
	case <-o.set.Settled():
	case <-ctx.Done():
		return
	}
	if o.leader == nil {
		o.write(ctx, time.Time{})
		return
	}
	if err := o.leader.Run(ctx, o.write); err != nil {
		o.report.say("nothing is written to API servers: %v", err)
	}
}

// write writes until the context ends; since is when another process last may have.
func (o *clusterOrigin) write(ctx context.Context, since time.Time) {
	var registering sync.WaitGroup
	registering.Go(func() { o.webhook.register(ctx) })
	defer registering.Wait()
	o.box.Run(ctx, since)
}

// newLeader is this replica's part in the election, if there is one.
func (o *clusterOrigin) newLeader() error {
	if o.config.Namespace == "" {
		return nil
	}
	m, ok := configMember(o.members)
	if !ok {
		return nil
	}
	lock, err := leader.Lease(m.REST, o.config.Namespace, o.config.Install, o.config.Identity)
	if err != nil {
		return err
	}
	o.leader = leader.New(leader.Config{Lock: lock, Say: o.report.say})
	return nil
}

// end has nothing to end: Pods are the clusters'.
func (o *clusterOrigin) end(context.Context) {}

func (o *clusterOrigin) output(pod store.Ref, _ string, _ int64) ([]byte, int64) {
	return fmt.Appendf(nil, "kubectl logs --context %s --namespace %s %s has what Pods of clusters print\n", pod.Cluster, pod.Namespace, pod.Name), 0
}

func (o *clusterOrigin) collectors() []prometheus.Collector {
	all := []prometheus.Collector{o.box.Metrics, o.set}
	if o.leader != nil {
		all = append(all, o.leader.Collectors()...)
	}
	return all
}

// clients are those that write, one for each member as it is reached now.
type clients struct {
	set  *membercluster.Set
	home string // the config cluster

	mu    sync.Mutex
	known map[string]known
}

type known struct {
	version string
	client  dynamic.Interface
}

// of is a member's client, if there is a member of the name. What belongs to no single one is the config cluster's.
func (c *clients) of(name string) (dynamic.Interface, bool) {
	m, ok := c.set.Member(cmp.Or(name, c.home))
	if !ok {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.known[m.Name]; ok && k.version == cmp.Or(m.Version, m.REST.Host) {
		return k.client, true
	}
	config := rest.CopyConfig(m.REST)
	config.QPS = -1 // the outbox has limits of its own
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, false // the same configuration cannot be watched either, which is told
	}
	c.known[m.Name] = known{cmp.Or(m.Version, m.REST.Host), client}
	return client, true
}
