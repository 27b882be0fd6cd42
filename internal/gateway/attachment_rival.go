package gateway

import (
	"fmt"
	"slices"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// tallyHosts has the routes of one kind at a host of a listener, the oldest first: at exactly that host, or, with
// below, at any host that a wildcard covers beyond itself.
const tallyHosts = "gateway.hosts"

// reasonHostnameConflict is of a route's condition Accepted. The Gateway API asks for False and names no reason.
const reasonHostnameConflict = gatewayv1.RouteConditionReason(gatewayv1.ListenerReasonHostnameConflict)

// otherKind is the kind of routes that may not have hosts in common with those of a kind.
func otherKind(kind string) string {
	if kind == "GRPCRoute" {
		return "HTTPRoute"
	}
	return "GRPCRoute"
}

// age orders the routes of a Gateway: the smallest string is the oldest route, which wins.
func (r *routeView) age() string {
	return age(r.created, r.name()) + "," + r.kind
}

// age orders objects by when they were made, then by "namespace/name".
func age(created time.Time, name string) string {
	return fmt.Sprintf("%011d,%s", max(created.Unix(), 0), name)
}

// wildcards returns the wildcards that cover a host, itself left out.
func wildcards(host string) []string {
	if host == anyHost {
		return nil
	}
	out := []string{anyHost}
	rest := strings.TrimPrefix(host, "*.")
	if rest != host {
		out = append(out, wildcards(rest)[1:]...)
		return out
	}
	for {
		_, parent, more := strings.Cut(rest, ".")
		if !more {
			return out
		}
		out = append(out, "*."+parent)
		rest = parent
	}
}

func (a *attacher) hostsKey(listener, kind, host string, below bool) string {
	where := "at"
	if below {
		where = "below"
	}
	return unitkey.Join(a.gatewayRef.String(), listener, kind, where, host)
}

// hostTallies tell the routes of the other kind where this one is.
func (a *attacher) hostTallies(at place) []recompute.Tally {
	tally := func(host string, below bool) recompute.Tally {
		return recompute.Tally{Index: tallyHosts, Key: a.hostsKey(at.listener.ID(), a.route.kind, host, below), Member: a.route.age()}
	}
	out := []recompute.Tally{tally(at.host, false)}
	for _, w := range wildcards(at.host) {
		out = append(out, tally(w, true))
	}
	return out
}

// olderRival returns an older route of the other kind, "namespace/name", that has a host in common with a place. It looks
// at what is accepted: a route that has lost itself is no rival.
func (a *attacher) olderRival(at place) string {
	keys := []string{a.hostsKey(at.listener.ID(), otherKind(a.route.kind), at.host, false)}
	for _, w := range wildcards(at.host) {
		keys = append(keys, a.hostsKey(at.listener.ID(), otherKind(a.route.kind), w, false))
	}
	if strings.HasPrefix(at.host, "*") {
		keys = append(keys, a.hostsKey(at.listener.ID(), otherKind(a.route.kind), at.host, true))
	}
	for _, key := range keys {
		// The order is asked for only where there are rivals: a count costs less to watch.
		if a.view.Count(tallyHosts, key) == 0 {
			continue
		}
		if oldest := a.view.First(tallyHosts, key, 1); oldest[0] < a.route.age() {
			return strings.Split(oldest[0], ",")[1]
		}
	}
	return ""
}

// yield takes a route off the listeners where an older route of the other kind has a host in common with it.
func (a *attacher) yield(d acceptance) acceptance {
	lost := map[*Listener]bool{}
	var why []string
	for _, p := range d.places {
		if lost[p.listener] {
			continue
		}
		if rival := a.olderRival(p); rival != "" {
			lost[p.listener] = true
			why = append(why, fmt.Sprintf("host %q of listener %q belongs to %s %q, which is older", p.host, p.listener.Name,
				otherKind(a.route.kind), rival))
		}
	}
	d.places = slices.DeleteFunc(d.places, func(p place) bool { return lost[p.listener] })
	d.counted = slices.DeleteFunc(d.counted, func(l *Listener) bool { return lost[l] })
	if d.accepted() && len(why) > 0 {
		d.message = "HTTPRoutes and GRPCRoutes may have no host in common: " + strings.Join(why, "; ")
		if len(d.places) == 0 {
			d.reason = reasonHostnameConflict
		}
	}
	return d
}
