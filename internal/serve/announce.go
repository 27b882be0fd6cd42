package serve

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/view"
)

// announcer prints addresses when they appear, move or go.
type announcer struct {
	store  *store.Store
	source *view.Source
	report *reporter
	// shown are the rows printed so far.
	shown    []control.URL
	welcomed bool
	hinted   bool
}

// run prints what changed until the context ends.
func (a *announcer) run(ctx context.Context) {
	sub := a.store.Subscribe()
	defer a.store.Unsubscribe(sub)
	for {
		select {
		case <-ctx.Done():
			return
		case <-sub.Ready():
			if _, touched := sub.Take(); concernsURLs(touched) {
				a.announce()
			}
		}
	}
}

// concernsURLs says whether what was touched may change a row: what is known of a Gateway, or how far proxies are.
func concernsURLs(touched []string) bool {
	return slices.ContainsFunc(touched, func(read string) bool {
		ref, isObject := store.ObjectOf(read)
		written, isWritten := store.WrittenOf(read)
		f, isFact := store.FactOf(read)
		return isObject && ref.Kind == kindGateway || isWritten && written.Kind == kindGateway || isFact && f.Kind == fact.KindProgress
	})
}

func (a *announcer) announce() {
	urls := a.source.URLs()
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
			lines = append(lines, a.try(urls, u)...)
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
func (a *announcer) try(urls []control.URL, u control.URL) []string {
	first := slices.IndexFunc(urls, func(other control.URL) bool { return other.Name == u.Name && other.Namespace == u.Namespace })
	u = urls[max(first, 0)]
	for _, socket := range a.source.Sockets() {
		if strings.HasSuffix(u.URL, "//"+socket.Actual.String()) {
			lines := []string{"Try:"}
			for _, command := range a.source.Published.Suggestions(socket.ForwardingRule, u.URL) {
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
	for _, socket := range a.source.Sockets() {
		if port := socket.Requested.Port(); port < 1024 && socket.Actual.Port() != port {
			a.hinted = true
			a.report.say("ports below 1024 are not open to you, so 10000 was added; to open them: "+
				"sudo sysctl -w net.ipv4.ip_unprivileged_port_start=%d", port)
			return
		}
	}
}
