package serve

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/view"
)

const (
	// announceInterval bounds how often addresses are looked through.
	announceInterval = 200 * time.Millisecond
	// maxAnnounced is how many listeners are printed at once.
	maxAnnounced = 20
)

// announcer prints addresses when they appear, move or go, and how to try them.
type announcer struct {
	store  *store.Store
	source *view.Source
	report *reporter
	// shown are the URLs printed so far; held are those of which it was said that they are served on, though their listener
	// is not Programmed any more; tried are the listeners whose curl commands were printed.
	shown    map[row]string
	held     map[row]bool
	tried    map[listener]bool
	seen     map[listener]time.Time
	waiting  bool // for a listener's curl commands
	again    bool // soon, whatever happens
	ending   bool
	now      func() time.Time
	welcomed bool
	hinted   bool
}

// listener is one of a Gateway's, or a port of an Ingress; row is the same at a location.
type (
	listener struct{ kind, cluster, namespace, owner, name string }
	row      struct {
		listener
		region string
	}
)

func listenerOf(u control.URL) listener {
	return listener{u.Kind, u.Cluster, u.Namespace, u.Name, u.Listener}
}

func (l listener) String() string {
	if l.kind == kind.Bare(kind.Ingress) {
		return fmt.Sprintf("Ingress %s/%s, %s", l.namespace, l.owner, l.name)
	}
	return fmt.Sprintf("%s %s/%s, listener %s", l.kind, l.namespace, l.owner, l.name)
}

// run prints what changed until the context ends.
func (a *announcer) run(ctx context.Context) {
	sub := a.store.Subscribe()
	defer a.store.Unsubscribe(sub)
	for {
		select {
		case <-ctx.Done():
			a.finish()
			return
		case <-sub.Ready():
			if _, touched := sub.Take(); !a.again && !a.concerns(touched) {
				continue
			}
		case <-a.soon():
		}
		a.announce(a.source.URLs())
		pause(ctx, announceInterval)
	}
}

// finish prints what had time still when the end came.
func (a *announcer) finish() {
	a.ending = true
	a.announce(a.source.URLs())
}

// soon receives at once if there is something to look at again, else never.
func (a *announcer) soon() <-chan time.Time {
	if a.again {
		return time.After(0)
	}
	return nil
}

// pause waits; it returns false if the context ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// concerns says whether what was touched may change a line: what is said of a Gateway or an Ingress, what proxies listen on, or a verdict
// while a listener waits for an endpoint that answers.
func (a *announcer) concerns(touched []string) bool {
	return slices.ContainsFunc(touched, func(read string) bool {
		if ref, ok := store.WrittenOf(read); ok {
			return ref.Kind == kind.Gateway || ref.Kind == kind.Ingress
		}
		if ref, ok := store.ObjectOf(read); ok {
			return ref.Kind == kind.Gateway || ref.Kind == kind.Ingress
		}
		f, ok := store.FactOf(read)
		return ok && (f.Kind == fact.KindProgress || f.Kind == fact.KindHealth && a.waiting)
	})
}

func (a *announcer) announce(urls []control.URL) {
	if a.shown == nil {
		a.shown, a.held, a.tried, a.seen = map[row]string{}, map[row]bool{}, map[listener]bool{}, map[listener]time.Time{}
	}
	urls = a.ripe(urls)
	now := map[row]string{}
	var order []listener
	groups := map[listener][]control.URL{}
	for _, u := range urls {
		l := listenerOf(u)
		now[row{l, u.Region}] = u.URL
		if groups[l] == nil {
			order = append(order, l)
		}
		groups[l] = append(groups[l], u)
	}
	if !a.ending {
		a.farewell(now)
	}
	var lines []string
	printed := 0
	a.waiting = false
	for _, l := range order {
		block := a.block(l, groups[l])
		if len(block) == 0 {
			continue
		}
		if printed++; printed <= maxAnnounced {
			lines = append(lines, block...)
		}
	}
	if printed > maxAnnounced {
		lines = append(lines, "", fmt.Sprintf("and %d listeners more: spillway urls", printed-maxAnnounced))
	}
	a.shown = now
	if len(lines) > 0 {
		a.report.block(append(lines, "")...)
		a.hint()
		a.welcome(order[0])
	}
}

// patience is how long a new listener's line waits for an endpoint that answers, so that address and commands come
// together.
const patience = time.Second

// ripe leaves out the listeners that are new, have routes, and still have time.
func (a *announcer) ripe(urls []control.URL) []control.URL {
	answers, present := map[listener]bool{}, map[listener]bool{}
	for _, u := range urls {
		answers[listenerOf(u)] = answers[listenerOf(u)] || len(u.Curl) > 0 || u.AttachedRoutes == 0
	}
	a.again = false
	out := slices.DeleteFunc(slices.Clone(urls), func(u control.URL) bool {
		l := listenerOf(u)
		if present[l] = true; a.seen[l].IsZero() {
			a.seen[l] = a.now()
		}
		young := !a.ending && !answers[l] && a.now().Sub(a.seen[l]) < patience
		a.again = a.again || young
		return young
	})
	maps.DeleteFunc(a.seen, func(l listener, _ time.Time) bool { return !present[l] })
	return out
}

// farewell says which addresses are gone, which have moved, and which are served on though their listener is not
// Programmed any more. These and those that wait for proxies only stay in now.
func (a *announcer) farewell(now map[row]string) {
	var served map[row]map[string]bool
	for _, r := range sortedRows(a.shown) {
		next, still := now[r]
		old := a.shown[r]
		if still {
			delete(a.held, r)
			if next != old {
				a.report.say("moved: %s of %s is at %s now", old, r.listener, next)
				delete(a.tried, r.listener)
			}
			continue
		}
		if served == nil {
			served = a.served()
		}
		_, address, _ := strings.Cut(old, "://")
		failed, on := served[r][address]
		if !on {
			a.report.say("gone: %s of %s", old, r.listener)
			delete(a.tried, r.listener)
			delete(a.held, r)
			continue
		}
		if now[r] = old; failed && !a.held[r] {
			a.held[r] = true
			a.report.say("not Programmed any more, but what was served last goes on: %s of %s", old, r.listener)
		}
	}
}

// served are the addresses that each listener is served at; true are those of a listener that is not Programmed.
func (a *announcer) served() map[row]map[string]bool {
	all := map[row]map[string]bool{}
	for _, s := range a.source.Served() {
		r := row{listener{s.Kind, s.Cluster, s.Namespace, s.Name, s.Listener}, s.Region}
		if all[r] == nil {
			all[r] = map[string]bool{}
		}
		all[r][s.Address.String()] = s.Failed
	}
	return all
}

// block are the lines of a listener: where it is if that is new, and how to try it as soon as something answers.
func (a *announcer) block(l listener, urls []control.URL) []string {
	var lines []string
	for _, u := range urls {
		if a.shown[row{l, u.Region}] != u.URL {
			lines = append(lines, fmt.Sprintf("  %-16s %s", u.Region, u.URL))
		}
	}
	with := slices.IndexFunc(urls, func(u control.URL) bool { return len(u.Curl) > 0 })
	switch {
	case a.tried[l]:
	case with < 0:
		a.waiting = true
	default:
		a.tried[l] = true
		lines = append(lines, "Try:")
		for _, command := range urls[with].Curl {
			lines = append(lines, "  "+command)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return append([]string{"", l.String()}, lines...)
}

// welcome says, once, how to go on.
func (a *announcer) welcome(l listener) {
	if !a.welcomed {
		a.welcomed = true
		a.report.say("serving until Ctrl-C; in another terminal: spillway urls, spillway describe %s %s -n %s", strings.ToLower(l.kind), l.owner, l.namespace)
	}
}

// hint says, once, how to get the ports as written.
func (a *announcer) hint() {
	if a.hinted || runtime.GOOS != "linux" || os.Getuid() == 0 {
		return
	}
	for _, socket := range a.source.Sockets() {
		if port := socket.Requested.Port(); port < 1024 && socket.Actual.Port() != port {
			a.hinted = true
			a.report.say("ports below 1024 are not open to you, so 10000 was added; to open them: "+
				"sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", port)
			return
		}
	}
}

func sortedRows(m map[row]string) []row {
	return slices.SortedFunc(maps.Keys(m), func(a, b row) int {
		return cmp.Or(cmp.Compare(a.String(), b.String()), cmp.Compare(a.region, b.region))
	})
}
