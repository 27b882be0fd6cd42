package fact

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/store"
)

// Progress is how far the proxies of an owner's locations have come with what was published for it last. There is none for
// an owner that nothing was ever published for, or whose resources are gone from every proxy.
type Progress struct {
	// Ready of Total proxies have taken the transaction that last touched the owner's resources. A location without a proxy
	// counts as one that has not.
	Ready, Total int
	// Refused says which resources are not in force, and why.
	Refused []Refusal
	// Unbound are addresses of the owner that a proxy does not listen on.
	Unbound []Unbound
	// Elsewhere are addresses of the owner that a proxy listens on in place of those it should. They serve.
	Elsewhere []Elsewhere
}

// Refusal is a resource that does not go into force.
type Refusal struct {
	// Location is "" if the resource was held back from every proxy.
	Location string
	// Resource is kind and name, such as "url_map x"; Text the field and the reason.
	Resource string
	Text     string
}

// Unbound is an address that could not be bound.
type Unbound struct {
	Location string
	Address  string
	Port     uint32
	Text     string
}

// Elsewhere is an address that another one took the place of.
type Elsewhere struct {
	Location string
	// Port is the one that was asked for, At the address and port that took its place.
	Port uint32
	At   string
	// Text is why, "" if that is not known.
	Text string
}

// ProgressOf names the progress of an owner: a Gateway, or the object that a backend service was made of.
func ProgressOf(owner store.Ref) store.Fact {
	return store.Fact{Kind: KindProgress, Key: owner.String()}
}

// RouteProgressOf names the progress of a route's rules on one Gateway.
func RouteProgressOf(route, gateway store.Ref) store.Fact {
	return store.Fact{Kind: KindProgress, Key: route.String() + separator + gateway.String()}
}

// Done says that every proxy has it and listens on its addresses.
func (p Progress) Done() bool { return p.Taken() && len(p.Unbound) == 0 }

// Taken says that every proxy has it, whether it could bind its addresses or not: a listener whose own port is bound asks
// no more.
func (p Progress) Taken() bool { return p.Total > 0 && p.Ready == p.Total && len(p.Refused) == 0 }

// String says how far it is, for a condition's message.
func (p Progress) String() string {
	var parts []string
	for _, r := range p.Refused {
		parts = append(parts, r.String())
	}
	for _, u := range p.Unbound {
		parts = append(parts, u.String())
	}
	if len(parts) == 0 || p.Ready < p.Total && len(p.Refused) == 0 {
		parts = append(parts, p.count())
	}
	return strings.Join(parts, "; ")
}

func (p Progress) count() string {
	switch {
	case p.Total == 0:
		return "no proxy serves its locations"
	case p.Total == 1:
		return fmt.Sprintf("%d of 1 proxy has it", p.Ready)
	}
	return fmt.Sprintf("%d of %d proxies have it", p.Ready, p.Total)
}

// String is location, resource and reason.
func (r Refusal) String() string {
	where := "not published"
	if r.Location != "" {
		where = "the proxy in " + r.Location + " refuses it"
	}
	return fmt.Sprintf("%s: %s: %s", where, r.Resource, r.Text)
}

// String is address, location and error.
func (u Unbound) String() string {
	return fmt.Sprintf("the proxy in %s cannot listen on %s port %d: %s", u.Location, u.Address, u.Port, u.Text)
}

// String is location, address and reason.
func (e Elsewhere) String() string {
	text := fmt.Sprintf("the proxy in %s listens on %s instead of port %d", e.Location, e.At, e.Port)
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Equal compares values.
func (p Progress) Equal(other any) bool {
	o, ok := other.(Progress)
	return ok && p.Ready == o.Ready && p.Total == o.Total && slices.Equal(p.Refused, o.Refused) && slices.Equal(p.Unbound, o.Unbound) &&
		slices.Equal(p.Elsewhere, o.Elsewhere)
}
