package frontend

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Request is an address that an owner asks for.
type Request struct {
	// Region is the location that it is served in.
	Region string
	// Name is that of a reserved address, "" for one that nobody reserved.
	Name string
	// Literal is the address as the owner wrote it, or what stands behind the name; "" lets us choose.
	Literal string
}

// Addresses are what an owner is served at.
type Addresses struct {
	// VIPs are in the order of the requests.
	VIPs []VIP
	// Unusable is why a requested address cannot be had, or "".
	Unusable string
}

// VIP is an address that an owner has.
type VIP struct {
	Region, Address, Name string
}

// ReadAddresses claims the addresses that an owner asks for.
func ReadAddresses(v *recompute.View, owner store.Ref, requests []Request) Addresses {
	r := addressReader{view: v, owner: owner, unnamed: map[string]int{}}
	for _, request := range requests {
		r.add(request)
	}
	return r.out
}

// addressReader finds the addresses of one owner.
type addressReader struct {
	view  *recompute.View
	owner store.Ref
	// unnamed is how many addresses of a region were chosen by us.
	unnamed map[string]int
	out     Addresses
}

func (r *addressReader) add(request Request) {
	if request.Literal != "" {
		r.literal(request)
		return
	}
	c := claim{owner: r.owner, name: request.Name}
	if request.Name == "" {
		c.region, c.ordinal = request.Region, r.unnamed[request.Region]
		r.unnamed[request.Region]++
	}
	addr, ok := c.read(r.view)
	switch {
	case ok:
		r.found(request, addr)
	case request.Name != "":
		r.out.Unusable = fmt.Sprintf("address %q is in use by %s", request.Name, r.user(c))
	default:
		r.out.Unusable = "no free address in " + poolOf(r.view).String()
	}
}

// user is who has the name of a claim, in words.
func (r *addressReader) user(c claim) string {
	if object := r.view.Get(c.owner); object != nil {
		if rival := c.rival(r.view, c.member(object)); rival != (store.Ref{}) {
			return fmt.Sprintf("%s %q, which had it before", kind.Bare(rival.Kind), rival.Namespace+"/"+rival.Name)
		}
	}
	return "another owner"
}

// holder is who has an address that a claim does not get, in words.
func (r *addressReader) holder(c claim, addr netip.Addr) string {
	by := store.Ref{}
	if holder, held := recompute.Fact[string](r.view, fact.Holder(addr.String())); held && r.view.Count(tallyClaimants, claimantKey(addr, holder)) > 0 {
		by, _ = store.ParseRef(holder)
	}
	if first := r.view.First(tallyClaims, addr.String(), 1); by == (store.Ref{}) && len(first) > 0 {
		_, key, _ := strings.Cut(first[0], "|")
		other, _ := parseClaim(key)
		by = other.owner
	}
	if by == (store.Ref{}) || by == c.owner {
		return "another owner"
	}
	return fmt.Sprintf("%s %q", kind.Bare(by.Kind), by.Namespace+"/"+by.Name)
}

func (r *addressReader) literal(request Request) {
	addr, err := netip.ParseAddr(request.Literal)
	addr = addr.Unmap() // ::ffff:192.0.2.1 is 192.0.2.1 to whoever listens
	if err != nil || addr.Zone() != "" {
		r.out.Unusable = fmt.Sprintf("address %q is not an IP address", request.Literal)
		return
	}
	c := claim{owner: r.owner, literal: addr}
	if _, ok := c.read(r.view); !ok {
		r.out.Unusable = fmt.Sprintf("address %s is in use by %s", request.Literal, r.holder(c, addr))
		return
	}
	if usable, known := recompute.Fact[bool](r.view, fact.HostAddress(addr)); known && !usable {
		r.out.Unusable = fmt.Sprintf("address %s is not an address of the proxies' host", request.Literal)
		return
	}
	r.found(request, addr)
}

// found takes an address, once for each region.
func (r *addressReader) found(request Request, addr netip.Addr) {
	vip := VIP{Region: request.Region, Address: addr.String(), Name: request.Name}
	same := func(other VIP) bool { return other.Region == vip.Region && other.Address == vip.Address }
	if !slices.ContainsFunc(r.out.VIPs, same) {
		r.out.VIPs = append(r.out.VIPs, vip)
	}
}
