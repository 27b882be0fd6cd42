package builtin

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The limits of an EndpointSlice.
const (
	maxEndpoints = 1000
	maxAddresses = 100
	maxPorts     = 20000
)

func defaultEndpointSlice(s *discoveryv1.EndpointSlice) {
	for i := range s.Ports {
		setPointer(&s.Ports[i].Name, "")
		setPointer(&s.Ports[i].Protocol, corev1.ProtocolTCP)
	}
}

// validateEndpointSlice allows loopback addresses, which an API server refuses: standalone backends live there.
func validateEndpointSlice(s *discoveryv1.EndpointSlice) field.ErrorList {
	errs := oneOf(s.AddressType, field.NewPath("addressType"), discoveryv1.AddressTypeFQDN, discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6)
	at := field.NewPath("endpoints")
	if len(s.Endpoints) > maxEndpoints {
		errs = append(errs, field.TooMany(at, len(s.Endpoints), maxEndpoints))
	}
	for i, e := range s.Endpoints {
		errs = append(errs, validateEndpoint(e, s.AddressType, at.Index(i))...)
	}
	return append(errs, validateEndpointPorts(s.Ports, field.NewPath("ports"))...)
}

func validateEndpoint(e discoveryv1.Endpoint, kind discoveryv1.AddressType, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	addresses := at.Child("addresses")
	if len(e.Addresses) == 0 {
		errs = append(errs, field.Required(addresses, "must contain at least 1 address"))
	}
	if len(e.Addresses) > maxAddresses {
		errs = append(errs, field.TooMany(addresses, len(e.Addresses), maxAddresses))
	}
	for i, a := range e.Addresses {
		errs = append(errs, endpointAddress(a, kind, addresses.Index(i))...)
	}
	if e.NodeName != nil {
		errs = append(errs, invalidFor(at.Child("nodeName"), *e.NodeName, validation.IsDNS1123Subdomain(*e.NodeName))...)
	}
	if e.Hostname != nil {
		errs = append(errs, dnsLabel(*e.Hostname, at.Child("hostname"))...)
	}
	return errs
}

func endpointAddress(a string, kind discoveryv1.AddressType, at *field.Path) field.ErrorList {
	if kind == discoveryv1.AddressTypeFQDN {
		return invalidFor(at, a, validation.IsDNS1123Subdomain(a))
	}
	ip, err := netip.ParseAddr(a)
	switch {
	case err != nil:
		return address(a, at)
	case kind == discoveryv1.AddressTypeIPv4 && !ip.Is4():
		return field.ErrorList{field.Invalid(at, a, "must be an IPv4 address")}
	case kind == discoveryv1.AddressTypeIPv6 && !ip.Is6():
		return field.ErrorList{field.Invalid(at, a, "must be an IPv6 address")}
	case ip.IsUnspecified():
		return field.ErrorList{field.Invalid(at, a, "may not be unspecified (0.0.0.0 or ::)")}
	case ip.IsMulticast():
		return field.ErrorList{field.Invalid(at, a, "may not be in the multicast range (224.0.0.0/4, ff00::/8)")}
	}
	return nil
}

func validateEndpointPorts(ports []discoveryv1.EndpointPort, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(ports) > maxPorts {
		errs = append(errs, field.TooMany(at, len(ports), maxPorts))
	}
	names := unique{}
	for i, p := range ports {
		path := at.Index(i)
		if *p.Name != "" {
			errs = append(errs, dnsLabel(*p.Name, path.Child("name"))...)
		}
		errs = append(errs, names.add(*p.Name, path.Child("name"))...)
		errs = append(errs, protocol(*p.Protocol, path.Child("protocol"))...)
		if p.Port != nil {
			errs = append(errs, portNumber(*p.Port, path.Child("port"))...)
		}
		if p.AppProtocol != nil {
			errs = append(errs, invalidFor(path.Child("appProtocol"), *p.AppProtocol, validation.IsQualifiedName(*p.AppProtocol))...)
		}
	}
	return errs
}
