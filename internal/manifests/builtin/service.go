package builtin

import (
	"fmt"
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// clientIPTimeout is the default of sessionAffinityConfig.clientIP.timeoutSeconds: three hours.
const clientIPTimeout = 10800

func defaultService(s *corev1.Service) {
	spec := &s.Spec
	setDefault(&spec.SessionAffinity, corev1.ServiceAffinityNone)
	setDefault(&spec.Type, corev1.ServiceTypeClusterIP)
	if spec.SessionAffinity == corev1.ServiceAffinityClientIP {
		setPointer(&spec.SessionAffinityConfig, corev1.SessionAffinityConfig{})
		setPointer(&spec.SessionAffinityConfig.ClientIP, corev1.ClientIPConfig{})
		setPointer(&spec.SessionAffinityConfig.ClientIP.TimeoutSeconds, clientIPTimeout)
	}
	for i := range spec.Ports {
		p := &spec.Ports[i]
		setDefault(&p.Protocol, corev1.ProtocolTCP)
		if p.TargetPort == (intstr.IntOrString{}) {
			p.TargetPort = intstr.FromInt32(p.Port)
		}
	}
	if spec.Type == corev1.ServiceTypeExternalName {
		return
	}
	setPointer(&spec.InternalTrafficPolicy, corev1.ServiceInternalTrafficPolicyCluster)
	setPointer(&spec.IPFamilyPolicy, corev1.IPFamilyPolicySingleStack)
	if len(spec.IPFamilies) == 0 {
		spec.IPFamilies = []corev1.IPFamily{corev1.IPv4Protocol}
	}
	if spec.Type == corev1.ServiceTypeNodePort || spec.Type == corev1.ServiceTypeLoadBalancer {
		setDefault(&spec.ExternalTrafficPolicy, corev1.ServiceExternalTrafficPolicyCluster)
	}
	if spec.Type == corev1.ServiceTypeLoadBalancer {
		setPointer(&spec.AllocateLoadBalancerNodePorts, true)
	}
}

func validateService(s *corev1.ServiceSpec, at *field.Path) field.ErrorList {
	errs := oneOf(s.Type, at.Child("type"), corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName,
		corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort)
	headless := s.ClusterIP == corev1.ClusterIPNone
	if len(s.Ports) == 0 && !headless && s.Type != corev1.ServiceTypeExternalName {
		errs = append(errs, field.Required(at.Child("ports"), ""))
	}
	errs = append(errs, validateServicePorts(s.Ports, at.Child("ports"))...)
	errs = append(errs, metav1validation.ValidateLabels(s.Selector, at.Child("selector"))...)
	errs = append(errs, oneOf(s.SessionAffinity, at.Child("sessionAffinity"), corev1.ServiceAffinityClientIP, corev1.ServiceAffinityNone)...)
	if c := s.SessionAffinityConfig; c != nil && c.ClientIP != nil && c.ClientIP.TimeoutSeconds != nil {
		errs = append(errs, between(int64(*c.ClientIP.TimeoutSeconds), 1, 86400, at.Child("sessionAffinityConfig", "clientIP", "timeoutSeconds"))...)
	}
	errs = append(errs, validateServiceAddresses(s, at, headless)...)
	if s.InternalTrafficPolicy != nil {
		errs = append(errs, oneOf(*s.InternalTrafficPolicy, at.Child("internalTrafficPolicy"),
			corev1.ServiceInternalTrafficPolicyCluster, corev1.ServiceInternalTrafficPolicyLocal)...)
	}
	if s.TrafficDistribution != nil {
		errs = append(errs, oneOf(*s.TrafficDistribution, at.Child("trafficDistribution"),
			corev1.ServiceTrafficDistributionPreferClose, corev1.ServiceTrafficDistributionPreferSameNode,
			corev1.ServiceTrafficDistributionPreferSameZone)...)
	}
	return errs
}

func validateServicePorts(ports []corev1.ServicePort, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	names, numbers := unique{}, unique{}
	for i, p := range ports {
		path := at.Index(i)
		switch {
		case p.Name == "" && len(ports) > 1:
			errs = append(errs, field.Required(path.Child("name"), ""))
		case p.Name != "":
			errs = append(errs, dnsLabel(p.Name, path.Child("name"))...)
			errs = append(errs, names.add(p.Name, path.Child("name"))...)
		}
		errs = append(errs, portNumber(p.Port, path.Child("port"))...)
		errs = append(errs, protocol(p.Protocol, path.Child("protocol"))...)
		if p.TargetPort != intstr.FromInt32(p.Port) {
			errs = append(errs, portOrName(p.TargetPort, path.Child("targetPort"))...)
		}
		if p.NodePort != 0 {
			errs = append(errs, portNumber(p.NodePort, path.Child("nodePort"))...)
		}
		if p.AppProtocol != nil {
			errs = append(errs, invalidFor(path.Child("appProtocol"), *p.AppProtocol, validation.IsQualifiedName(*p.AppProtocol))...)
		}
		errs = append(errs, numbers.add(fmt.Sprintf("%s/%d", p.Protocol, p.Port), path)...)
	}
	return errs
}

func validateServiceAddresses(s *corev1.ServiceSpec, at *field.Path, headless bool) field.ErrorList {
	var errs field.ErrorList
	if s.Type == corev1.ServiceTypeExternalName {
		name := strings.TrimSuffix(s.ExternalName, ".")
		if name == "" {
			return append(errs, field.Required(at.Child("externalName"), ""))
		}
		if s.ClusterIP != "" && !headless {
			errs = append(errs, field.Forbidden(at.Child("clusterIPs"), "may not be set for ExternalName services"))
		}
		return append(errs, invalidFor(at.Child("externalName"), s.ExternalName, validation.IsDNS1123Subdomain(name))...)
	}
	if s.ClusterIP != "" && !headless {
		errs = append(errs, address(s.ClusterIP, at.Child("clusterIP"))...)
	}
	if headless && s.Type != corev1.ServiceTypeClusterIP {
		errs = append(errs, field.Invalid(at.Child("clusterIPs").Index(0), s.ClusterIP, fmt.Sprintf("may not be set to 'None' for %s services", s.Type)))
	}
	for i, ip := range s.ExternalIPs {
		errs = append(errs, address(ip, at.Child("externalIPs").Index(i))...)
	}
	for i, f := range s.IPFamilies {
		errs = append(errs, oneOf(f, at.Child("ipFamilies").Index(i), corev1.IPv4Protocol, corev1.IPv6Protocol)...)
	}
	return errs
}

func address(ip string, at *field.Path) field.ErrorList {
	if _, err := netip.ParseAddr(ip); err != nil {
		return field.ErrorList{field.Invalid(at, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")}
	}
	return nil
}

func protocol(p corev1.Protocol, at *field.Path) field.ErrorList {
	return oneOf(p, at, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)
}

func portOrName(p intstr.IntOrString, at *field.Path) field.ErrorList {
	if p.Type == intstr.Int {
		return portNumber(p.IntVal, at)
	}
	return invalidFor(at, p.StrVal, validation.IsValidPortName(p.StrVal))
}
