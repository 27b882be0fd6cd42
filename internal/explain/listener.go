package explain

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// Listener is a forwarding rule with what is behind it.
type Listener struct {
	// Owner is the object that it was made for, such as "Gateway default/http"; "" for none.
	Owner          string   `json:"owner,omitempty"`
	ForwardingRule string   `json:"forwardingRule"`
	TargetProxy    string   `json:"targetProxy"`
	Scheme         string   `json:"scheme"`
	Addresses      []string `json:"addresses"`
	// Hosts are those of its listeners.
	Hosts []string `json:"hosts"`

	frontends []config.Frontend
	name      string // namespace/name of the owner
}

// listeners are all, sorted by the names of their forwarding rules.
func (s *Site) listeners(q *Request) []*Listener {
	var out []*Listener
	for _, f := range s.root.Frontends() {
		if n := len(out); n == 0 || out[n-1].ForwardingRule != f.Name {
			out = append(out, s.newListener(f))
		}
		l := out[len(out)-1]
		l.frontends = append(l.frontends, f)
		at := netip.AddrPortFrom(f.Address, q.bound(f)).String()
		if f.Region != "" {
			at += " in " + f.Region
		}
		l.Addresses = append(l.Addresses, at)
	}
	return out
}

func (s *Site) newListener(f config.Frontend) *Listener {
	o := s.root.Resource("forwarding_rule", f.Name).GetForwardingRule().GetOwner()
	l := &Listener{Owner: object(o), ForwardingRule: f.Name, TargetProxy: f.TargetProxy, Scheme: "http"}
	if o != nil {
		l.name = o.GetNamespace() + "/" + o.GetName()
	}
	if f.TLS {
		l.Scheme = "https"
	}
	for host := range s.root.TargetProxy(f.TargetProxy).Map.Listeners() {
		l.Hosts = append(l.Hosts, host)
	}
	slices.Sort(l.Hosts)
	return l
}

// object is "Kind namespace/name".
func object(o *lbv1.Owner) string {
	if o.GetName() == "" {
		return ""
	}
	kind, _, _ := strings.Cut(o.GetKind(), ".")
	if o.GetNamespace() == "" {
		return kind + " " + o.GetName()
	}
	return kind + " " + o.GetNamespace() + "/" + o.GetName()
}

// find is the listener that takes a request, and the address at which.
func (s *Site) find(p *parsed) (*Listener, config.Frontend, error) {
	all := s.listeners(&p.Request)
	var found []*Listener
	var at []config.Frontend
	for _, l := range all {
		if f, ok := l.takes(p); ok {
			found, at = append(found, l), append(at, f)
		}
	}
	if i := s.same(found, p); i >= 0 {
		found, at = found[i:i+1], at[i:i+1]
	}
	switch len(found) {
	case 0:
		return nil, config.Frontend{}, nobodyListens(p, all)
	case 1:
		return found[0], at[0], nil
	}
	return nil, config.Frontend{}, fmt.Errorf(
		"more than one Gateway listens for %s: choose by --gateway, or by an address in the URL and the host by -H:%s", p.where(), table(found))
}

// takes tells whether a listener is where the request goes to, and at which of its addresses.
func (l *Listener) takes(p *parsed) (config.Frontend, bool) {
	if l.Scheme != p.scheme || p.Gateway != "" && p.Gateway != l.name {
		return config.Frontend{}, false
	}
	address, is := p.address()
	for _, f := range l.frontends {
		if p.port != f.Port && p.port != p.bound(f) {
			continue
		}
		if !is || f.Address == address || f.Address.IsUnspecified() {
			return f, true
		}
	}
	return config.Frontend{}, false
}

// same is the index of the first of the listeners that have a host for the request's, or of all if none has one, provided that it
// does not matter which of these is taken: they have one target proxy. Else it is -1.
func (s *Site) same(list []*Listener, p *parsed) int {
	hosts := func(l *Listener) bool {
		_, has := s.root.TargetProxy(l.TargetProxy).Map.Listener([]byte(p.authority))
		return has
	}
	first := max(slices.IndexFunc(list, hosts), 0)
	none := !slices.ContainsFunc(list, hosts)
	for _, l := range list {
		if (none || hosts(l)) && l.TargetProxy != list[first].TargetProxy {
			return -1
		}
	}
	return min(first, len(list)-1)
}

func (p *parsed) where() string {
	text := fmt.Sprintf("%s://%s:%d", p.scheme, p.host, p.port)
	if p.Gateway != "" {
		text += " of the Gateway " + p.Gateway
	}
	return text
}

func nobodyListens(p *parsed, all []*Listener) error {
	if len(all) == 0 {
		return fmt.Errorf("nothing listens for %s: there is no listener at all", p.where())
	}
	return fmt.Errorf("nothing listens for %s. What listens:%s", p.where(), table(all))
}

// table has a line for each address.
func table(list []*Listener) string {
	var b strings.Builder
	for _, l := range list {
		for _, a := range l.Addresses {
			name := l.Owner
			if name == "" {
				name = "forwarding rule " + l.ForwardingRule
			}
			fmt.Fprintf(&b, "\n  %s: %s://%s, host %s", name, l.Scheme, a, strings.Join(l.Hosts, ", "))
		}
	}
	return b.String()
}
