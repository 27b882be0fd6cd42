package frontend

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/digest"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	unitClaim = "frontend.claim"
	// tallyNames has the claims on a name, the oldest owner's first; tallyNamed those of one owner.
	tallyNames = "frontend.names"
	tallyNamed = "frontend.named"
	// tallyClaims has the claims on an address, the oldest owner's first; tallyClaimants those of one owner.
	tallyClaims    = "frontend.claims"
	tallyClaimants = "frontend.claimants"
	// probes is how many addresses a name tries. With 1,000 addresses in use, one name in 10^14 finds none.
	probes = 4
)

// claim is an owner's claim on one address: of a location, of a name, which is the same address wherever it is served, or
// of the address that the owner asks for.
type claim struct {
	owner store.Ref
	// region and ordinal are of an address that nobody chose, the ordinal of several in one region.
	region  string
	ordinal int
	name    string
	literal netip.Addr
}

func (c claim) String() string {
	literal := ""
	if c.literal.IsValid() {
		literal = c.literal.String()
	}
	return unitkey.Join(c.owner.String(), c.region, strconv.Itoa(c.ordinal), c.name, literal)
}

func parseClaim(key string) (claim, bool) {
	parts, ok := unitkey.Split(key, 5)
	if !ok {
		return claim{}, false
	}
	owner, ok := store.ParseRef(parts[0])
	ordinal, err := strconv.Atoi(parts[2])
	c := claim{owner: owner, region: parts[1], ordinal: ordinal, name: parts[3]}
	if parts[4] != "" && err == nil {
		c.literal, err = netip.ParseAddr(parts[4])
	}
	return c, ok && err == nil
}

// read returns the address of a claim; ok is false if somebody else has it.
func (c claim) read(v *recompute.View) (addr netip.Addr, ok bool) {
	addr, ok, _ = recompute.Value[netip.Addr](v, unitClaim, c.String())
	return addr, ok
}

// translateClaim finds the address of a claim: the first of a few, by hash, that nobody else has. Of several owners that
// ask for one, the one that is served at it has it, for as long as it asks; else the oldest. So an address depends on names
// and on what was there before, never on who comes later.
func translateClaim(v *recompute.View, key string) recompute.Result {
	c, ok := parseClaim(key)
	if !ok {
		return recompute.Result{}
	}
	object := v.Get(c.owner)
	if object == nil {
		return recompute.Result{}
	}
	member := c.member(object)
	result := recompute.Result{}
	if c.name != "" {
		result.State = recompute.Present
		result.Tallies = append(result.Tallies,
			recompute.Tally{Index: tallyNames, Key: c.name, Member: member},
			recompute.Tally{Index: tallyNamed, Key: unitkey.Join(c.name, c.owner.String()), Member: key})
		if rival := c.rival(v, member); rival != (store.Ref{}) {
			return result
		}
	}
	for _, candidate := range c.candidates(poolOf(v)) {
		result.State = recompute.Present
		result.Tallies = append(result.Tallies,
			recompute.Tally{Index: tallyClaims, Key: candidate.String(), Member: member},
			recompute.Tally{Index: tallyClaimants, Key: claimantKey(candidate, c.owner.String()), Member: key})
		if result.Value == nil && c.has(v, candidate, member) {
			result.Value = candidate
		}
	}
	return result
}

// rival is the owner that has the name of the claim, which is member among those on it; the zero Ref if it is the claim's
// own. Who is served at an address of the name has it for as long as it asks; else the oldest.
func (c claim) rival(v *recompute.View, member string) store.Ref {
	if v.Count(tallyNames, c.name) < 2 {
		return store.Ref{}
	}
	for _, candidate := range c.candidates(poolOf(v)) {
		holder, held := recompute.Fact[string](v, fact.Holder(candidate.String()))
		if !held || v.Count(tallyNamed, unitkey.Join(c.name, holder)) == 0 {
			continue
		}
		if holder == c.owner.String() {
			return store.Ref{}
		}
		rival, _ := store.ParseRef(holder)
		return rival
	}
	first := v.First(tallyNames, c.name, 1)
	if len(first) == 0 || first[0] >= member {
		return store.Ref{}
	}
	_, key, _ := strings.Cut(first[0], "|")
	rival, _ := parseClaim(key)
	return rival.owner
}

// member is the claim among those on an address or a name; the oldest owner's comes first.
func (c claim) member(owner store.Object) string {
	return fmt.Sprintf("%011d|%s", max(owner.GetCreationTimestamp().Unix(), 0), c)
}

func claimantKey(addr netip.Addr, owner string) string { return unitkey.Join(addr.String(), owner) }

// has tells whether the claim, which is member among those on an address, gets it.
func (c claim) has(v *recompute.View, addr netip.Addr, member string) bool {
	if addr.IsUnspecified() {
		return true
	}
	// The holder is asked for only where there are rivals: a fact less to watch.
	if v.Count(tallyClaims, addr.String()) > 1 {
		holder, held := recompute.Fact[string](v, fact.Holder(addr.String()))
		if held && v.Count(tallyClaimants, claimantKey(addr, holder)) > 0 {
			return holder == c.owner.String()
		}
	}
	first := v.First(tallyClaims, addr.String(), 1)
	return len(first) == 0 || first[0] >= member
}

// poolOf is the range that addresses are from.
func poolOf(v *recompute.View) netip.Prefix { return fact.Pool(v, address.Gateways) }

// candidates are what a claim tries. A named address is the same whoever uses it.
func (c claim) candidates(pool netip.Prefix) []netip.Addr {
	if c.literal.IsValid() {
		return []netip.Addr{c.literal}
	}
	identity := c.owner.Cluster + "/" + c.owner.Namespace + "/" + c.owner.Name + "/" + c.region
	if c.ordinal > 0 {
		identity += "/" + strconv.Itoa(c.ordinal)
	}
	if c.name != "" {
		identity = "named/" + c.name
	}
	// The first and the last address of the range stay out, and so does 0 in the last byte, which looks like a network.
	size := uint32(1)<<(32-pool.Bits()) - 2
	var out []netip.Addr
	for i := range probes {
		offset := 1 + digest.Number(fmt.Sprint(identity, "#", i))%size
		if offset&0xff == 0 {
			offset++
		}
		out = append(out, address.Nth(pool, offset))
	}
	return out
}
