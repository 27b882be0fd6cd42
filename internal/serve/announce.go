package serve

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/store"
)

// announcer prints addresses when they appear, move or go.
type announcer struct {
	store  *store.Store
	model  *model
	planes *planes
	report *reporter
	home   func() string
	// shown are the rows printed so far.
	shown    []control.URL
	welcomed bool
	hinted   bool
}

// run prints what changed until the context ends.
func (a *announcer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.planes.changed:
			// All locations follow within a moment; one message is enough.
			a.planes.await(ctx, a.model.number(), programmingWait)
			a.announce()
		}
	}
}

func (a *announcer) urls() []control.URL {
	return urlsOf(a.store.Snapshot(), a.model.forwardingRules(), a.planes.sockets(), a.home())
}

func (a *announcer) announce() {
	urls := a.urls()
	for _, u := range a.shown {
		if !slices.Contains(urls, u) {
			a.report.say("gone: %s of Gateway %s/%s, listener %s", u.URL, u.Namespace, u.Name, u.Listener)
		}
	}
	var lines []string
	var heading string
	for i, u := range urls {
		if slices.Contains(a.shown, u) {
			continue
		}
		if h := fmt.Sprintf("Gateway %s/%s, listener %s", u.Namespace, u.Name, u.Listener); h != heading {
			heading = h
			lines = append(lines, "", h)
		}
		lines = append(lines, fmt.Sprintf("  %-16s %s", u.Region, u.URL))
		if i+1 == len(urls) || urls[i+1].Name != u.Name || urls[i+1].Namespace != u.Namespace {
			lines = append(lines, a.try(u)...)
		}
	}
	a.shown = urls
	if len(lines) > 0 {
		a.report.block(append(lines, "")...)
		a.hint()
		a.welcome(urls[0])
	}
}

// welcome says, once, how to go on.
func (a *announcer) welcome(u control.URL) {
	if !a.welcomed {
		a.welcomed = true
		a.report.say("serving until Ctrl-C; in another terminal: spillway urls, spillway describe gateway %s -n %s", u.Name, u.Namespace)
	}
}

// try lists curl commands for a Gateway, by way of its first URL.
func (a *announcer) try(u control.URL) []string {
	first := slices.IndexFunc(a.urls(), func(other control.URL) bool { return other.Name == u.Name && other.Namespace == u.Namespace })
	if first >= 0 {
		u = a.urls()[first]
	}
	for _, socket := range a.planes.sockets() {
		if strings.HasSuffix(u.URL, "//"+socket.actual.String()) {
			lines := []string{"Try:"}
			for _, command := range a.model.suggestions(socket.frontend, u.URL) {
				lines = append(lines, "  "+command)
			}
			return lines
		}
	}
	return nil
}

// hint says, once, how to get the ports as written.
func (a *announcer) hint() {
	if a.hinted || runtime.GOOS != "linux" || os.Getuid() == 0 {
		return
	}
	for _, socket := range a.planes.sockets() {
		if port := socket.requested.Port(); port < 1024 && socket.actual.Port() != port {
			a.hinted = true
			a.report.say("ports below 1024 are not open to you, so 10000 was added; to open them: "+
				"sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", port)
			return
		}
	}
}
