package gateway

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
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

// unsupportedAddress is the first address type of a Gateway that its class does not have, or "".
func unsupportedAddress(gw *gatewayv1.Gateway, strict strictness) string {
	for i := range gw.Spec.Addresses {
		if kind, _ := addressKind(&gw.Spec.Addresses[i]); !slices.Contains(strict.addresses(), kind) {
			return kind
		}
	}
	return ""
}

// unitAddresses is the unit kind of what a Gateway is served at: the addresses that it asks for, or, while one of them
// cannot be had, those that it asked for before. Its key is the Gateway's Ref, its value a []frontend.VIP.
const unitAddresses = "gateway.addresses"

type addressesUnit struct {
	options Options
}

func (u addressesUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	gw, ok, held := ListenersOf(v, ref)
	at, found := servedOf(v, ref)
	if !ok || !found || at.Broken {
		return heldOrAbsent(held)
	}
	good := &gatewayv1.Gateway{Spec: gatewayv1.GatewaySpec{Addresses: at.Spec.Addresses}}
	addresses := readAddresses(v, u.options, &good.Spec, ref, gw.Scope)
	if addresses.Unusable != "" {
		if good, ok = v.Good().(*gatewayv1.Gateway); !ok {
			return recompute.Result{}
		}
		addresses = readAddresses(v, u.options, &good.Spec, ref, gw.Scope)
	}
	if addresses.Unusable != "" {
		return recompute.Result{}
	}
	good.TypeMeta = metav1.TypeMeta{APIVersion: gatewayv1.GroupVersion.String(), Kind: "Gateway"}
	return recompute.Result{State: recompute.Present, Value: addresses.VIPs, Good: good}
}

// readAddresses claims what a Gateway asks for; one that asks for nothing gets an address in each location.
func readAddresses(v *recompute.View, o Options, spec *gatewayv1.GatewaySpec, ref store.Ref, s scope.Scope) frontend.Addresses {
	var requests []frontend.Request
	for i := range spec.Addresses {
		requests = append(requests, o.addressRequests(v, s, &spec.Addresses[i])...)
	}
	if len(spec.Addresses) == 0 {
		requests = everywhere(s.ReadLocations(v, o.Home))
	}
	return frontend.ReadAddresses(v, ref, requests)
}

// addressRequests are what one entry of spec.addresses asks for.
func (o Options) addressRequests(v *recompute.View, s scope.Scope, a *gatewayv1.GatewaySpecAddress) []frontend.Request {
	kind, region := addressKind(a)
	switch {
	case kind == addressEphemeralRegion:
		return []frontend.Request{{Region: region}}
	case kind == string(gatewayv1.IPAddressType) && a.Value != "":
		return []frontend.Request{{Region: s.ReadHome(v, o.Home), Literal: a.Value}}
	case (kind == string(gatewayv1.NamedAddressType) || kind == addressNamedRegion) && a.Value != "":
		if region == "" {
			region = s.ReadHome(v, o.Home)
		}
		literal, _ := configuration.Address(v, addressName(a.Value))
		return []frontend.Request{{Region: region, Name: a.Value, Literal: literal}}
	}
	return everywhere(s.ReadLocations(v, o.Home))
}

// addressName is the last part of a name, which may be a path: regions/REGION/addresses/NAME.
func addressName(value string) string { return value[strings.LastIndexByte(value, '/')+1:] }

func everywhere(locations []string) []frontend.Request {
	var requests []frontend.Request
	for _, region := range locations {
		requests = append(requests, frontend.Request{Region: region})
	}
	return requests
}
