package explain

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxMissed bounds the rules that are listed in the text; a host may have thousands.
const maxMissed = 20

// WriteText prints an explanation for people: a block for each step of the way.
func (e *Explanation) WriteText(w io.Writer) error {
	t := &text{}
	t.line(0, "%s %s", e.Method, e.URL)
	t.line(0, "")
	t.listener(e.Listener)
	t.extension(0, "routing extension", e.RouteExtension)
	if e.RouteExtension.running() {
		t.line(1, "what it may change is not known: what follows is for the request as it came")
	}
	t.urlMap(e.URLMap)
	t.answer(0, e.Answer)
	for i := range e.Backends {
		t.backend(e.URLMap.title(), &e.Backends[i])
	}
	_, err := io.WriteString(w, t.String())
	return err
}

// text is what has been written.
type text struct{ strings.Builder }

func (t *text) line(depth int, format string, args ...any) {
	if format != "" {
		t.WriteString(strings.Repeat("  ", depth))
	}
	fmt.Fprintf(t, format+"\n", args...)
}

// named is a resource's name with its object, if it has one.
func named(owner, name string) string {
	if owner == "" {
		return name
	}
	return owner + " (" + name + ")"
}

func (t *text) listener(l *Listener) {
	t.line(0, "listener: %s", named(l.Owner, l.ForwardingRule))
	t.line(1, "%s at %s", l.Scheme, strings.Join(l.Addresses, ", "))
}

func (t *text) answer(depth int, a *Answer) {
	if a == nil {
		return
	}
	t.line(depth, "answer of the load balancer: %s", a)
	if a.Location != "" {
		t.line(depth+1, "location: %s", a.Location)
	}
}

func (t *text) extension(depth int, title string, x *Extension) {
	if x == nil {
		return
	}
	t.line(depth, "%s: %s", title, named(x.Owner, x.Name))
	for i := range x.Chains {
		t.chain(depth+1, &x.Chains[i])
	}
}

func (t *text) chain(depth int, c *Chain) {
	t.line(depth, "chain %s: %s", c.Name, c.Outcome)
	if c.Outcome == Unasked {
		return
	}
	switch {
	case c.Fault != "":
		t.line(depth+1, "its match cannot be told, so it matches every request, and its extensions fail: %s", c.Fault)
	case len(c.Conditions) == 0:
		t.line(depth+1, "it has no condition and matches every request")
	}
	for _, condition := range c.Conditions {
		if condition.BackendService != "" {
			t.line(depth+1, "for backend service %s: %s", condition.BackendService, chosen(condition.Chosen))
		}
		for _, s := range condition.Steps {
			t.line(depth+1+s.Depth, "%s = %s", s.Text, s.Value)
		}
	}
	if c.Outcome == Runs {
		for i := range c.Members {
			t.member(depth+1, &c.Members[i])
		}
	}
}

func chosen(yes bool) string {
	if yes {
		return "chosen"
	}
	return "not chosen"
}

func (t *text) member(depth int, m *Member) {
	switch {
	case m.Fault != "" && m.FailOpen:
		t.line(depth, "extension %s: fails whenever it is used, and is passed by: %s", m.Name, m.Fault)
	case m.Fault != "":
		t.line(depth, "extension %s: fails whenever it is used: %s", m.Name, m.Fault)
	default:
		t.line(depth, "extension %s: %s, failOpen %v, %s", m.Name, m.Target, m.FailOpen, strings.Join(m.Events, " "))
	}
}

func (t *text) urlMap(m *URLMap) {
	if m == nil {
		return
	}
	t.line(0, "URL map: %s", m.Name)
	switch {
	case m.ListenerHost == "":
		t.line(1, "the host belongs to no listener: the default service answers")
		return
	case m.Host == "":
		t.line(1, "listener host %s has no rule for the host: the default service answers", m.ListenerHost)
		return
	}
	t.line(1, "host %s of listener host %s", m.Host, m.ListenerHost)
	for i, r := range m.Missed {
		if i == maxMissed {
			t.line(1, "... and %d more (-o json has all)", len(m.Missed)-i)
			break
		}
		t.line(1, "not %s, rule %s: %s: %s", r.Route, r.Name, r.Match, r.Miss)
	}
	if m.Rule == nil {
		t.line(1, "no rule applies: the default service answers")
		return
	}
	t.line(1, "%s, rule %s: %s", m.Rule.Route, m.Rule.Name, m.Rule.Match)
}

// running tells whether a chain of it runs.
func (x *Extension) running() bool {
	return x != nil && slices.ContainsFunc(x.Chains, func(c Chain) bool { return c.Outcome == Runs })
}

// title is what a backend service is to the URL map.
func (m *URLMap) title() string {
	if m.Rule == nil {
		return "default service"
	}
	return "backend service"
}

func (t *text) backend(title string, b *Backend) {
	share := ""
	if b.Weight != b.Of {
		share = fmt.Sprintf(", %d of %d requests", b.Weight, b.Of)
	}
	if b.Service != "" {
		t.line(0, "%s: %s%s", title, named(b.Owner, b.Service), share)
		t.line(1, "endpoints: %d", b.Endpoints)
	} else {
		t.line(0, "no backend service is asked%s", share)
	}
	t.extension(1, "traffic extension", b.TrafficExtension)
	t.answer(1, b.Answer)
	if b.Sent == nil {
		return
	}
	t.line(1, "sent: %s %s", b.Sent.Method, b.Sent.Path)
	t.line(2, "host: %s", b.Sent.Host)
	for _, f := range b.Sent.Fields {
		t.line(2, "%s: %s", f.Name, f.Value)
	}
}
