package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/neg/garbage"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Kinds of resources, as lbv1.KeyOf names them.
const (
	kindGroup   = "network_endpoint_group"
	kindService = "backend_service"
)

// ErrNoGroup is the error of a group that is not there.
var ErrNoGroup = errors.New("not found")

// collect lets groups go that nobody wants, if it is time.
func (c *Controller) collect(snapshot *store.Snapshot, now time.Time) {
	c.forget(snapshot)
	collect, kept := c.garbage.Tick(now, func() []garbage.Unwanted {
		if !anyPending(snapshot) {
			c.syncer.Settle()
		}
		return c.unwanted(snapshot)
	})
	for _, k := range kept {
		c.tell(k.Ref, recompute.Event{Type: corev1.EventTypeWarning, Reason: "NegCRError", Message: k.Text, Source: neg.Component}, now)
	}
	c.letGo(collect...)
}

func (c *Controller) letGo(refs ...store.Ref) {
	if len(refs) == 0 {
		return
	}
	c.options.Store.Commit(func(tx *store.Tx) {
		for _, ref := range refs {
			tx.SetFact(fact.Collected(ref), true)
		}
	})
}

// forget drops what is known of objects that have gone, or that are wanted again.
func (c *Controller) forget(snapshot *store.Snapshot) {
	collected := snapshot.Facts(fact.KindCollected)
	if len(collected) == 0 {
		return
	}
	c.options.Store.Commit(func(tx *store.Tx) {
		for _, key := range collected {
			ref, _ := store.ParseRef(key)
			if tx.Get(ref) == nil || c.wanted(ref) {
				tx.SetFact(fact.Collected(ref), nil)
			}
		}
	})
}

// wanted tells whether a Service wants a ServiceNetworkEndpointGroup.
func (c *Controller) wanted(ref store.Ref) bool { return c.gates.roster.wanted[ref] > 0 }

// unwanted are the others, with who uses their groups.
func (c *Controller) unwanted(snapshot *store.Snapshot) []garbage.Unwanted {
	users := c.users()
	var all []garbage.Unwanted
	snapshot.Walk(kind.ServiceNetworkEndpointGroup, "", "", func(e *store.Entry) bool {
		if c.wanted(e.Ref) || pending(snapshot, e.Ref.Cluster) {
			return true // what is not known yet may want it
		}
		u := garbage.Unwanted{Ref: e.Ref, Zones: neg.ZonesOf(e.Written), UsedBy: map[string]string{}}
		for _, zone := range u.Zones {
			u.UsedBy[zone] = users[names.Group(zone, e.Ref.Name)]
		}
		all = append(all, u)
		return true
	})
	return all
}

// pending tells that something is on its way that groups, and reports of them, follow from.
func pending(snapshot *store.Snapshot, cluster string) bool {
	return fact.Pending(snapshot, cluster,
		kind.Service, kind.Ingress, kind.IngressClass, kind.EndpointSlice, kind.Node, kind.Pod, kind.ConfigMap)
}

// anyPending tells that some list is on its way.
func anyPending(snapshot *store.Snapshot) bool {
	for _, key := range snapshot.Facts(fact.KindListed) {
		if listed, _ := snapshot.Fact(store.Fact{Kind: fact.KindListed, Key: key}).(bool); !listed {
			return true
		}
	}
	return false
}

// users are the first backend service that uses each group, as the Compute API names it.
func (c *Controller) users() map[string]string {
	users := map[string]string{}
	for _, r := range c.options.Model.Kind(kindService) {
		for _, b := range r.GetBackendService().GetBackends() {
			if users[b.GetGroup()] == "" {
				users[b.GetGroup()] = garbage.User(r.GetBackendService().GetRegion(), r.GetName())
			}
		}
	}
	return users
}

// raise forgets the orphans whose cluster is back: their groups are its own again.
func (c *Controller) raise(snapshot *store.Snapshot) {
	var back []store.Fact
	for _, group := range snapshot.Facts(fact.KindOrphan) {
		f := fact.OrphanOf(group)
		if o, ok := snapshot.Fact(f).(fact.Orphan); ok && hasCluster(snapshot, o.Cluster) {
			back = append(back, f)
		}
	}
	if len(back) == 0 {
		return
	}
	c.options.Store.Commit(func(tx *store.Tx) {
		for _, f := range back {
			tx.SetFact(f, nil)
		}
	})
}

// follow looks at the clusters that came or went, and at the objects of those that have gone.
func (c *Controller) follow(snapshot *store.Snapshot, touched []string) {
	var gone []*store.Entry
	came := false
	for _, read := range touched {
		ref, _ := store.ObjectOf(read)
		switch ref.Kind {
		case kind.Cluster:
			came = came || hasCluster(snapshot, ref.Name)
			if !hasCluster(snapshot, ref.Name) {
				snapshot.Walk(kind.ServiceNetworkEndpointGroup, ref.Name, "", func(e *store.Entry) bool {
					gone = append(gone, e)
					return true
				})
			}
		case kind.ServiceNetworkEndpointGroup:
			if e := snapshot.Get(ref); e != nil && !hasCluster(snapshot, ref.Cluster) {
				gone = append(gone, e)
			}
		}
	}
	if came {
		c.raise(snapshot)
	}
	c.bury(gone)
}

// bury makes orphans of the groups whose cluster has gone before they were collected.
func (c *Controller) bury(gone []*store.Entry) {
	if len(gone) == 0 {
		return
	}
	c.options.Store.Commit(func(tx *store.Tx) {
		for _, e := range gone {
			for _, zone := range neg.ZonesOf(e.Written) {
				c.orphan(tx, e.Ref.Cluster, names.Group(zone, e.Ref.Name))
			}
			tx.SetFact(fact.Collected(e.Ref), true)
		}
	})
}

func hasCluster(snapshot *store.Snapshot, name string) bool {
	return snapshot.Get(store.Ref{Cluster: name, Kind: kind.Cluster, Name: name}) != nil
}

func (c *Controller) orphan(tx *store.Tx, cluster, group string) {
	if g := c.options.Model.Get(kindGroup, group).GetNetworkEndpointGroup(); g != nil {
		tx.SetFact(fact.OrphanOf(group), orphanOf(cluster, g))
	}
}

func orphanOf(cluster string, g *lbv1.NetworkEndpointGroup) fact.Orphan {
	return fact.Orphan{
		Cluster: cluster, Region: g.GetRegion(), Zone: g.GetZone(), DefaultPort: g.GetDefaultPort(), Description: g.GetDescription(),
	}
}

// adopt takes over the orphans of an earlier process.
func (c *Controller) adopt(units map[recompute.ID]recompute.Published) {
	orphans := units[neg.Orphans()].Resources
	if len(orphans) == 0 {
		return
	}
	c.options.Store.Commit(func(tx *store.Tx) {
		for _, r := range orphans {
			if g := r.GetNetworkEndpointGroup(); g != nil {
				tx.SetFact(fact.OrphanOf(r.GetName()), orphanOf(g.GetCluster(), g))
			}
		}
	})
}

// Delete removes a group by hand: an orphan, or one that nobody wants any more. zone may be "" if one zone has the name.
func (c *Controller) Delete(zone, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	group, err := c.group(zone, name)
	if err != nil {
		return err
	}
	zone, _ = names.SplitGroup(group)
	if by := c.users()[group]; by != "" {
		return errors.New(garbage.InUse(zone, name, by))
	}
	snapshot := c.options.Store.Snapshot()
	if f := fact.OrphanOf(group); snapshot.Fact(f) != nil {
		c.options.Store.Commit(func(tx *store.Tx) { tx.SetFact(f, nil) })
		return nil
	}
	for _, u := range c.unwanted(snapshot) {
		if u.Ref.Name == name && slices.Contains(u.Zones, zone) {
			c.letGo(u.Ref)
			return nil
		}
	}
	return fmt.Errorf("a Service wants it, and would have it made again; take its port out of the annotation %s first", annotation.Name)
}

// group is the resource name of a group.
func (c *Controller) group(zone, name string) (string, error) {
	var found []string
	for _, r := range c.options.Model.Kind(kindGroup) {
		if z, n := names.SplitGroup(r.GetName()); n == name && (zone == "" || z == zone) {
			found = append(found, r.GetName())
		}
	}
	switch len(found) {
	case 0:
		return "", ErrNoGroup
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("underspecified resource [%s]: it is in %s; specify the [--zone] flag", name, strings.Join(found, " and "))
}
