package gateway

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/address"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Google's types of addresses in spec.addresses, beyond the Gateway API's.
const (
	addressEphemeralRegion = "networking.gke.io/ephemeral-ipv4-address"
	addressNamedRegion     = "networking.gke.io/named-address-with-region"
	addressPremium         = "networking.gke.io/premium-ephemeral-ipv4-address"
	addressStandard        = "networking.gke.io/standard-ephemeral-ipv4-address"
)

// addressKind is the type of a requested address and its region, "" if the type has none.
func addressKind(a *gatewayv1.GatewaySpecAddress) (kind, region string) {
	kind = string(gatewayv1.IPAddressType)
	if a.Type != nil {
		kind = string(*a.Type)
	}
	if rest, ok := strings.CutPrefix(kind, addressEphemeralRegion); ok {
		if region = strings.TrimPrefix(rest, "/"); region == "" {
			region = a.Value
		}
		return addressEphemeralRegion, region
	}
	if kind == addressNamedRegion {
		// regions/REGION/addresses/NAME
		if parts := strings.Split(strings.TrimPrefix(a.Value, "/"), "/"); len(parts) == 4 {
			region = parts[1]
		}
	}
	return kind, region
}

// unsupportedAddress is the first address type of a Gateway that there is not, or "".
func unsupportedAddress(gw *gatewayv1.Gateway) string {
	for i := range gw.Spec.Addresses {
		switch kind, _ := addressKind(&gw.Spec.Addresses[i]); kind {
		case string(gatewayv1.IPAddressType), string(gatewayv1.NamedAddressType), addressEphemeralRegion, addressNamedRegion,
			addressPremium, addressStandard:
		default:
			return kind
		}
	}
	return ""
}

// addresses are what a Gateway is served at.
type addresses struct {
	// vips are in the order of the status.
	vips []*lbv1.Vip
	// unusable is why a requested address cannot be had, or "".
	unusable string
}

// addressReader finds the addresses of one Gateway.
type addressReader struct {
	view    *recompute.View
	options Options
	ref     store.Ref
	scope   Scope
	fleet   *fleet.Fleet
	out     addresses
}

func readAddresses(v *recompute.View, o Options, gw *gatewayv1.Gateway, ref store.Ref, s Scope) addresses {
	f, ok, _ := recompute.Value[*fleet.Fleet](v, fleet.UnitMembers, "")
	if !ok {
		return addresses{}
	}
	r := addressReader{view: v, options: o, ref: ref, scope: s, fleet: f}
	for i := range gw.Spec.Addresses {
		r.add(&gw.Spec.Addresses[i])
	}
	if len(gw.Spec.Addresses) == 0 {
		r.allocate()
	}
	return r.out
}

func (r *addressReader) add(a *gatewayv1.GatewaySpecAddress) {
	kind, region := addressKind(a)
	home := r.options.home(r.scope, r.fleet)
	switch {
	case kind == addressEphemeralRegion:
		r.claim(region, "")
	case kind == string(gatewayv1.IPAddressType) && a.Value != "":
		r.literal(home, a.Value, "")
	case (kind == string(gatewayv1.NamedAddressType) || kind == addressNamedRegion) && a.Value != "":
		if region == "" {
			region = home
		}
		if literal := r.options.NamedAddresses[a.Value]; literal != "" {
			r.literal(region, literal, a.Value)
			return
		}
		r.claim(region, a.Value)
	default:
		r.allocate()
	}
}

// allocate takes one address in each location.
func (r *addressReader) allocate() {
	for _, region := range r.options.locations(r.scope, r.fleet) {
		r.claim(region, "")
	}
}

func (r *addressReader) claim(region, name string) {
	value, ok, _ := recompute.Value[string](r.view, unitVip, vipKey(r.ref, region, name))
	if !ok {
		r.out.unusable = "no free address in " + address.Gateways.String()
		if name != "" {
			r.out.unusable = fmt.Sprintf("address %q is in use by another Gateway", name)
		}
		return
	}
	r.out.vips = append(r.out.vips, &lbv1.Vip{Region: region, Address: value, Name: name})
}

func (r *addressReader) literal(region, value, name string) {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		r.out.unusable = fmt.Sprintf("address %q is not an IP address", value)
		return
	}
	if owner, ok, _ := recompute.Value[string](r.view, unitVip, literalKey(r.ref, addr)); !ok || owner == "" {
		r.out.unusable = fmt.Sprintf("address %s is in use by another Gateway", value)
		return
	}
	if !r.options.usable(addr) {
		r.out.unusable = fmt.Sprintf("address %s is not an address of the proxies' host", value)
		return
	}
	r.out.vips = append(r.out.vips, &lbv1.Vip{Region: region, Address: addr.String(), Name: name})
}

const (
	unitVip = "gateway.vip"
	// tallyVips has the claims on an address, the oldest Gateway's first.
	tallyVips = "gateway.vips"
	// probes is how many addresses a name tries. With 1,000 addresses in use, one name in 10^14 finds none.
	probes = 4
)

// vipKey is for a location, or for a name, which is the same address wherever it is served.
func vipKey(gateway store.Ref, region, name string) string {
	if name != "" {
		region = ""
	}
	return strings.Join([]string{gateway.String(), region, name, ""}, "|")
}

func literalKey(gateway store.Ref, addr netip.Addr) string {
	return strings.Join([]string{gateway.String(), "", "", addr.String()}, "|")
}

// translateVip finds the address of a Gateway in a location: the first of a few, by hash, that no older Gateway has a
// claim on. So an address depends on names and on Gateways that were there before, never on newer ones.
func translateVip(v *recompute.View, key string) recompute.Result {
	parts := strings.Split(key, "|")
	ref, _ := store.ParseRef(parts[0])
	gw, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok {
		return recompute.Result{}
	}
	claim := fmt.Sprintf("%011d|%s", max(gw.CreationTimestamp.Unix(), 0), key)
	candidates := candidateAddresses(ref, parts[1], parts[2])
	if literal := parts[3]; literal != "" {
		candidates = []string{literal}
	}
	result := recompute.Result{}
	for _, candidate := range candidates {
		result.State = recompute.Present
		result.Tallies = append(result.Tallies, recompute.Tally{Index: tallyVips, Key: candidate, Member: claim})
		owner := v.First(tallyVips, candidate, 1)
		if result.Value == nil && (len(owner) == 0 || owner[0] >= claim || netip.MustParseAddr(candidate).IsUnspecified()) {
			result.Value = candidate
		}
	}
	return result
}

// candidateAddresses are what a name tries. A named address is the same whatever Gateway uses it.
func candidateAddresses(gateway store.Ref, region, name string) []string {
	identity := gateway.Cluster + "/" + gateway.Namespace + "/" + gateway.Name + "/" + region
	if name != "" {
		identity = "named/" + name
	}
	// The first and the last address of the range stay out, and so does 0 in the last byte, which looks like a network.
	size := uint32(1)<<(32-address.Gateways.Bits()) - 2
	var out []string
	for i := range probes {
		sum := sha256.Sum256([]byte(fmt.Sprint(identity, "#", i)))
		offset := 1 + binary.BigEndian.Uint32(sum[:])%size
		if offset&0xff == 0 {
			offset++
		}
		out = append(out, address.Nth(address.Gateways, offset).String())
	}
	return out
}
