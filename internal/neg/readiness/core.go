package readiness

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Timeout is how long a Pod waits for its load balancer, from its creation on, before its gate opens all the same, if it may.
const Timeout = 10 * time.Minute

// Settle is how long a Pod that belongs to no group waits before its gate opens: its Service, or its group, may be about to be made.
const Settle = 5 * time.Second

// The reasons of the condition.
const (
	ReasonReady    = "LoadBalancerNegReady"
	ReasonNoCheck  = "LoadBalancerNegWithoutHealthCheck"
	ReasonTimeout  = "LoadBalancerNegTimeout"
	ReasonNotReady = "LoadBalancerNegNotReady"
)

// Pod is what is known of a Pod with the gate.
type Pod struct {
	Created time.Time
	// Seen is when the Pod was seen first.
	Seen time.Time
	// Groups are the names of the groups of the Services that select it: it belongs there, or will.
	Groups []string
	// FailClosed: its gate does not open because its time is over.
	FailClosed bool
	// Unsettled: whether it does is not known yet.
	Unsettled bool
	// Unlisted: the Services that may select it, or the Ingresses that may want groups of them, are not all known yet.
	Unlisted bool
	// Awaited: some of them are of a Service of whose groups nothing is known yet.
	Awaited bool
	// Endpoints are the groups that have it.
	Endpoints []Endpoint
}

// Endpoint is a Pod's entry in a group.
type Endpoint struct {
	Group, Zone string
	Address     netip.AddrPort
	// Unlisted: it may be attached to a backend service that is not known yet.
	Unlisted bool
}

// Backend is a backend service that a forwarding rule leads to and that checks health.
type Backend struct {
	Name string
	// Region is "" for a global one.
	Region string
	Check  string
}

// World is the load balancer as it is published.
type World interface {
	// Backends are the backend services that a group is attached to.
	Backends(zone, group string) []Backend
	// Healthy tells whether a location finds an endpoint so, by a check.
	Healthy(check string, endpoint netip.AddrPort) bool
}

// Verdict is the condition that a Pod is to show.
type Verdict struct {
	// Ready: the condition is True, and stays so. Else its status is empty.
	Ready           bool
	Reason, Message string
}

// Decide is the condition of a Pod that does not have it yet. A group that no backend service with a health check uses opens the gate
// only if none of the Pod's groups has one: what a load balancer is about to send requests to has to answer its checks first.
func Decide(now time.Time, p *Pod, w World) Verdict {
	attached, unlisted := false, p.Unlisted
	for _, e := range p.Endpoints {
		unlisted = unlisted || e.Unlisted
		for _, b := range w.Backends(e.Zone, e.Group) {
			attached = true
			if w.Healthy(b.Check, e.Address) {
				return opened(ReasonReady, fmt.Sprintf("Pod has become Healthy in NEG %q attached to BackendService %q.", e.key(), b.key()))
			}
		}
	}
	switch {
	case len(p.Endpoints) > 0 && !attached && !p.Awaited && !unlisted:
		return opened(ReasonNoCheck, fmt.Sprintf("Pod is in NEG %q. NEG is not attached to any BackendService with health checking.", p.Endpoints[0].key()))
	case len(p.Groups) == 0 && !p.Awaited && !unlisted && !now.Before(p.Seen.Add(Settle)):
		return opened(ReasonReady, "Pod does not belong to any NEG.")
	case now.After(p.Created.Add(Timeout)) && !p.Unsettled:
		return p.late()
	}
	return Verdict{Reason: ReasonNotReady, Message: "Waiting for pod to become healthy in at least one of the NEG(s): " + p.names()}
}

// late is the verdict of a Pod whose time is over.
func (p *Pod) late() Verdict {
	why := "Timeout waiting for pod to become healthy in at least one of the NEG(s): " + p.names() + "."
	if p.FailClosed {
		return Verdict{Reason: ReasonTimeout, Message: why + " The Configuration keeps the gate shut (readinessGates.failClosed)."}
	}
	return opened(ReasonTimeout, why)
}

func opened(reason, why string) Verdict {
	return Verdict{true, reason, fmt.Sprintf("%s Marking condition %q to True.", why, Gate)}
}

func (p *Pod) names() string {
	return "[" + strings.Join(slices.Sorted(slices.Values(p.Groups)), " ") + "]"
}

// key is the group as Google's controller prints it.
func (e Endpoint) key() string {
	return "Key{" + strconv.Quote(e.Group) + ", zone: " + strconv.Quote(e.Zone) + "}"
}

func (b Backend) key() string {
	if b.Region != "" {
		return "Key{" + strconv.Quote(b.Name) + ", region: " + strconv.Quote(b.Region) + "}"
	}
	return "Key{" + strconv.Quote(b.Name) + "}"
}
