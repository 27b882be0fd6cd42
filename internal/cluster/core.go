package cluster

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// limits are what a member is judged by.
type limits struct {
	// staleAfter is how long a member may not answer before it is shown as stale.
	staleAfter time.Duration
	// forgetAfter is how long what was last known of it counts; 0 is for ever.
	forgetAfter time.Duration
}

// core decides about one member: what is to be watched, what counts as listed, whether what is known of it is stale, and when it is
// forgotten. It is told what happens and when.
type core struct {
	limits limits
	kinds  map[string]*kindState
	// began is when it was joined; heard when it answered last.
	began, heard     time.Time
	answered         bool // since it was joined
	stale, forgotten bool
	restored         bool
	problem          string // why it does not answer
}

// kindState is one kind of a member.
type kindState struct {
	// version is the one that is watched; "" if the server has none.
	version string
	// known: it has been listed, or the server does not have it.
	known bool
	// problem is why it cannot be read, since failing.
	problem string
	failing time.Time
}

// orders are what is to be done about a member.
type orders struct {
	// watch are kinds to list and watch anew, with their version; drop those that the server does not have, which count as listed.
	watch map[string]string
	drop  []string
	// mark: what is known is as it was then.
	mark time.Time
	// forget all that is known.
	forget bool
	say    []string
}

func newCore(l limits, kinds []string, now time.Time) *core {
	c := &core{limits: l, kinds: map[string]*kindState{}, began: now}
	for _, k := range kinds {
		c.kinds[k] = &kindState{}
	}
	return c
}

// restore tells that the store holds what an earlier process knew, of that time.
func (c *core) restore(seen time.Time) { c.restored, c.heard = true, seen }

// discovered tells which kinds the server has, in which version; unsure are those that it cannot say.
func (c *core) discovered(now time.Time, served map[string]string, unsure []string) orders {
	o := orders{watch: map[string]string{}}
	if c.stale {
		o.say = append(o.say, fmt.Sprintf("answers again after %v", age(now, c.heard)))
	}
	again := c.stale // what happened meanwhile has to be listed
	c.heard, c.answered, c.stale, c.forgotten, c.problem = now, true, false, false, ""
	for _, name := range slices.Sorted(maps.Keys(c.kinds)) {
		k, version := c.kinds[name], served[name]
		if slices.Contains(unsure, name) {
			if version = k.version; version == "" {
				continue
			}
		}
		switch {
		case version != "" && (version != k.version || again):
			*k = kindState{version: version, known: k.known && k.version != ""}
			o.watch[name] = version
		case version == "" && (!k.known || k.version != ""):
			*k = kindState{known: true}
			o.drop = append(o.drop, name)
		}
	}
	return o
}

// missing are the kinds that the server seems not to have, of which that is new. A server that has just started may not list what it
// has, so it is asked for them before that counts.
func (c *core) missing(served map[string]string) []string {
	var names []string
	for name, k := range c.kinds {
		if served[name] == "" && (!k.known || k.version != "") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// failed tells that the server does not answer.
func (c *core) failed(now time.Time, problem string) orders {
	c.problem = problem
	return c.tick(now)
}

// tick lets time pass.
func (c *core) tick(now time.Time) (o orders) {
	since := c.heard
	if !c.answered && !c.restored {
		since = c.began
	}
	away := now.Sub(since)
	if c.problem == "" {
		return o
	}
	if !c.stale && (away > c.limits.staleAfter || c.restored && !c.answered) {
		c.stale = true
		o.mark = since
		o.say = append(o.say, "does not answer: "+c.problem+"; "+c.consequence())
	}
	if c.stale && !c.forgotten && c.limits.forgetAfter > 0 && away > c.limits.forgetAfter {
		c.forgotten = true
		o.forget = true
		for _, k := range c.kinds {
			*k = kindState{known: true}
		}
		o.say = append(o.say, fmt.Sprintf("has not answered for %v: what was known of it is forgotten", age(now, since)))
	}
	return o
}

func (c *core) consequence() string {
	if !c.answered && !c.restored {
		return "nothing is known of it, and what depends on it waits"
	}
	return "what was last known of it goes on to count"
}

// listed tells that a kind has been listed.
func (c *core) listed(name string) {
	if k := c.kinds[name]; k != nil {
		k.known, k.problem = true, ""
	}
}

// opened tells that a kind is watched.
func (c *core) opened(name string) {
	if k := c.kinds[name]; k != nil {
		k.problem = ""
	}
}

// refused tells that a kind cannot be listed or watched; answered: because the server says so. The result is what is to be told of
// that: what makes a server that answers refuse does not pass by itself.
func (c *core) refused(now time.Time, name, problem string, answered bool) (say string) {
	k := c.kinds[name]
	if k == nil || k.problem == problem {
		return ""
	}
	if k.problem == "" {
		k.failing = now
	}
	k.problem = problem
	if !answered {
		return ""
	}
	return name + " cannot be read: " + problem
}

// settled says whether there is no point in waiting any longer: each kind is known, or was restored, or cannot be had for now.
func (c *core) settled(now time.Time) bool {
	if c.restored || c.stale {
		return true
	}
	if !c.answered {
		return false
	}
	for _, k := range c.kinds {
		if !k.known && (k.problem == "" || now.Sub(k.failing) <= c.limits.staleAfter) {
			return false
		}
	}
	return true
}

// waiting names what is not known yet, for who asks why nothing begins.
func (c *core) waiting() string {
	if !c.answered && c.problem != "" {
		return c.problem
	}
	var names []string
	for name, k := range c.kinds {
		switch {
		case k.known:
		case k.problem != "":
			names = append(names, name+" ("+k.problem+")")
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func age(now, then time.Time) time.Duration { return now.Sub(then).Round(time.Second) }
