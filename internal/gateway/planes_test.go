package gateway_test

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/controlplane"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/translate"
)

// fakePlanes play the data planes of every location: they take what is published at once, or never.
type fakePlanes struct {
	publisher *translate.Publisher
	progress  *controlplane.Progress
	holders   *controlplane.Holders
	model     map[[2]string]*lbv1.Resource
	open      map[string]bool
	seq       uint64
	// slow are locations whose proxies take nothing; unbound are ports that none can listen on, taken those that others are listened on
	// in place of; refuses are kinds of resources that all of them refuse.
	slow, unbound, taken, refuses map[string]bool
}

func newFakePlanes() *fakePlanes {
	p := &fakePlanes{
		publisher: translate.NewPublisher(), model: map[[2]string]*lbv1.Resource{}, open: map[string]bool{},
		slow: map[string]bool{}, unbound: map[string]bool{}, taken: map[string]bool{}, refuses: map[string]bool{},
	}
	lookup := func(kind, name string) *lbv1.Resource { return p.model[[2]string{kind, name}] }
	p.progress, p.holders = controlplane.NewProgress(lookup), controlplane.NewHolders(lookup)
	return p
}

// take publishes a transaction and returns what the data planes have to say.
func (p *fakePlanes) take(snapshot *store.Snapshot, tx *lbv1.Transaction) ([]controlplane.FactChange, []config.Refusal) {
	var locations []string
	for _, l := range controlplane.Locations(snapshot, "") {
		locations = append(locations, l.Region)
	}
	for _, name := range locations {
		if !p.open[name] {
			p.open[name] = true
			p.progress.Open(name)
		}
	}
	for name := range p.open {
		if !slices.Contains(locations, name) {
			delete(p.open, name)
			p.progress.Close(name)
		}
	}
	tx, refusals := p.publisher.Check(tx)
	if tx != nil {
		p.progress.Publish(tx)
		p.holders.Publish(tx)
		p.apply(tx)
	}
	for _, name := range locations {
		if !p.slow[name] {
			p.progress.Report(location.Report{Location: name, Seq: p.seq, Refused: p.refused(), Unbound: p.unboundIn(name), Elsewhere: p.elsewhereIn(name)})
		}
	}
	return append(p.progress.Changes(true), p.holders.Changes()...), refusals
}

func (p *fakePlanes) apply(tx *lbv1.Transaction) {
	p.seq = tx.GetSeq()
	for _, r := range tx.GetUpserts() {
		key := lbv1.KeyOf(r)
		p.model[[2]string{key.GetKind(), key.GetName()}] = r
	}
	for _, key := range tx.GetDeletes() {
		delete(p.model, [2]string{key.GetKind(), key.GetName()})
	}
}

func (p *fakePlanes) refused() []config.Refusal {
	var out []config.Refusal
	for key := range p.model {
		if p.refuses[key[0]] {
			out = append(out, config.Refusal{Kind: key[0], Name: key[1], Reason: "the proxy is of an older version"})
		}
	}
	slices.SortFunc(out, func(a, b config.Refusal) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (p *fakePlanes) unboundIn(name string) []location.Unbound {
	var out []location.Unbound
	p.listenersIn(name, p.unbound, func(rule string, addr netip.AddrPort) {
		out = append(out, location.Unbound{ForwardingRule: rule, Address: addr, Text: "address already in use"})
	})
	return out
}

func (p *fakePlanes) elsewhereIn(name string) []location.Elsewhere {
	var out []location.Elsewhere
	p.listenersIn(name, p.taken, func(rule string, addr netip.AddrPort) {
		actual := netip.AddrPortFrom(addr.Addr(), addr.Port()+10000)
		out = append(out, location.Elsewhere{ForwardingRule: rule, Requested: addr, Actual: actual, Text: "address already in use"})
	})
	return out
}

// listenersIn finds the forwarding rules of a location that have one of the ports.
func (p *fakePlanes) listenersIn(name string, ports map[string]bool, found func(rule string, addr netip.AddrPort)) {
	for _, r := range p.model {
		rule := r.GetForwardingRule()
		for _, vip := range rule.GetVips() {
			if vip.GetRegion() == name && ports[strconv.Itoa(int(rule.GetPort()))] {
				found(r.GetName(), netip.AddrPortFrom(netip.MustParseAddr(vip.GetAddress()), uint16(rule.GetPort())))
			}
		}
	}
}
