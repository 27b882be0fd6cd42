package urlmap

import (
	"net/http"

	"github.com/spillway-lb/spillway/internal/proxy/filter"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// Map is one version of a URL map with its rules.
type Map struct {
	listeners hosts[*listener]
	// oneLabel: wildcards of rules stand for one label.
	oneLabel bool
}

// listener is one listener host with the hosts of its rules.
type listener struct {
	host  string
	rules hosts[*rules]
	count int
}

// New is a map without listener hosts, to which no request belongs.
func New() *Map { return &Map{listeners: newHosts[*listener]()} }

// Match finds the rule of a request; nil means that the default service answers. A preflight goes to the rule of the
// method that it asks for, if that rule has a CORS policy and none is there for OPTIONS itself.
func (m *Map) Match(req *message.Request) *Rule {
	r := m.match(req, req.Method)
	if string(req.Method) != http.MethodOptions || r != nil && r.match.method != "" {
		return r
	}
	if asked, ok := filter.PreflightMethod(req); ok {
		if of := m.match(req, asked); of != nil && of.shares() {
			return of
		}
	}
	return r
}

func (m *Map) match(req *message.Request, method []byte) *Rule {
	r, ok := m.rulesOf(req)
	if !ok {
		return nil
	}
	q := newQuery(req)
	q.method = method
	return r.find(&q)
}

// rulesOf are those of the request's host.
func (m *Map) rulesOf(req *message.Request) (r *rules, ok bool) {
	host := HostOf(req.Authority)
	l, ok := m.listeners.find(host)
	if !ok {
		return nil, false
	}
	if m.oneLabel {
		return l.rules.findOneLabel(host)
	}
	return l.rules.find(host)
}

// Misdirected says whether a request's host belongs to another listener host than the server name of its TLS
// connection (answered with 421). A host that belongs to none is not misdirected: it gets the default service.
func (m *Map) Misdirected(serverName string, authority []byte) bool {
	asked, ok := m.listeners.find(HostOf(authority))
	if !ok {
		return false
	}
	connected, ok := m.listeners.find(HostOf([]byte(serverName)))
	return !ok || asked != connected
}

// Listeners are the listener hosts, in no particular order, with their number of rules.
func (m *Map) Listeners() map[string]int {
	out := map[string]int{}
	m.listeners.each(func(pattern string, l *listener) { out[pattern] = l.count })
	return out
}

// Listener is the listener host that a request's host belongs to; false for none.
func (m *Map) Listener(authority []byte) (string, bool) {
	l, ok := m.listeners.find(HostOf(authority))
	if !ok {
		return "", false
	}
	return l.host, true
}

// Edit begins a change of the map.
func (m *Map) Edit() *Edit {
	return &Edit{next: *m, hosts: map[hostKey]*rulesEdit{}}
}

// Edit collects changes to a Map. It is for one goroutine.
type Edit struct {
	next  Map
	hosts map[hostKey]*rulesEdit
}

type hostKey struct{ listener, host string }

// SetListeners makes these the listener hosts. Rules of one that goes away go with it.
func (e *Edit) SetListeners(names []string) {
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
		if _, ok := e.next.listeners.get(n); !ok {
			e.next.listeners = e.next.listeners.with(n, &listener{host: n, rules: newHosts[*rules]()}, false)
		}
	}
	e.next.listeners.each(func(pattern string, _ *listener) {
		if !wanted[pattern] {
			e.next.listeners = e.next.listeners.with(pattern, nil, true)
		}
	})
}

// SetOneLabelWildcards says whether "*.example.com", as the host of a rule, stands for one label or for any number.
func (e *Edit) SetOneLabelWildcards(one bool) { e.next.oneLabel = one }

// Put adds a rule, whose listener host must be one of the map's at Commit. There must be no other of the same host and
// precedence.
func (e *Edit) Put(r *Rule) { e.of(r).put(r) }

// Delete removes a rule that was put.
func (e *Edit) Delete(r *Rule) { e.of(r).delete(r) }

func (e *Edit) of(r *Rule) *rulesEdit {
	k := hostKey{r.ListenerHost, r.Host}
	edit := e.hosts[k]
	if edit == nil {
		from := newRules()
		if l, ok := e.next.listeners.get(r.ListenerHost); ok {
			if has, ok := l.rules.get(r.Host); ok {
				from = has
			}
		}
		edit = from.edit()
		e.hosts[k] = edit
	}
	return edit
}

// Commit makes the next map.
func (e *Edit) Commit() *Map {
	for k, edit := range e.hosts {
		l, ok := e.next.listeners.get(k.listener)
		if !ok {
			continue
		}
		next := *l
		next.count += edit.count - edit.from.count
		next.rules = l.rules.with(k.host, edit.commit(), edit.count == 0)
		e.next.listeners = e.next.listeners.with(k.listener, &next, false)
	}
	return &e.next
}
