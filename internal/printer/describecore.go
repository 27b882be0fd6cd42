package printer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/kind"
)

// timestamp is kubectl's form of a time stamp in descriptions.
func timestamp(t metav1.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700") }

func (d *description) service(o Object, related Related) {
	s := typed[corev1.Service](o)
	d.line(0, "Name:\t%s", s.Name)
	d.line(0, "Namespace:\t%s", s.Namespace)
	d.labels("Labels", s.Labels)
	d.annotations(s.Annotations)
	d.line(0, "Selector:\t%s", selectorText(s.Spec.Selector))
	d.line(0, "Type:\t%s", or(string(s.Spec.Type), "ClusterIP"))
	d.ipFamilies(s)
	d.line(0, "IP:\t%s", orNone(s.Spec.ClusterIP))
	d.line(0, "IPs:\t%s", orNone(strings.Join(s.Spec.ClusterIPs, ",")))
	for _, p := range s.Spec.Ports {
		protocol := or(string(p.Protocol), "TCP")
		d.line(0, "Port:\t%s\t%d/%s", or(p.Name, "<unset>"), p.Port, protocol)
		target := p.TargetPort.String()
		if target == "0" {
			target = fmt.Sprint(p.Port)
		}
		d.line(0, "TargetPort:\t%s/%s", target, protocol)
		if p.NodePort != 0 {
			d.line(0, "NodePort:\t%s\t%d/%s", or(p.Name, "<unset>"), p.NodePort, protocol)
		}
		d.line(0, "Endpoints:\t%s", endpointsOf(related.EndpointSlices, p.Name))
	}
	d.line(0, "Session Affinity:\t%s", or(string(s.Spec.SessionAffinity), "None"))
	if p := s.Spec.ExternalTrafficPolicy; p != "" {
		d.line(0, "External Traffic Policy:\t%s", p)
	}
	internal := corev1.ServiceInternalTrafficPolicyCluster
	if p := s.Spec.InternalTrafficPolicy; p != nil {
		internal = *p
	}
	d.line(0, "Internal Traffic Policy:\t%s", internal)
}

// ipFamilies prints what the API server defaults if it is not set.
func (d *description) ipFamilies(s *corev1.Service) {
	policy := corev1.IPFamilyPolicySingleStack
	if p := s.Spec.IPFamilyPolicy; p != nil {
		policy = *p
	}
	var families []string
	for _, f := range s.Spec.IPFamilies {
		families = append(families, string(f))
	}
	if len(families) == 0 {
		families = []string{string(corev1.IPv4Protocol)}
		if strings.Contains(s.Spec.ClusterIP, ":") {
			families = []string{string(corev1.IPv6Protocol)}
		}
	}
	d.line(0, "IP Family Policy:\t%s", policy)
	d.line(0, "IP Families:\t%s", strings.Join(families, ","))
}

// endpointsOf lists the ready endpoints of a named port.
func endpointsOf(slicesOfService []Object, port string) string {
	var out []string
	for _, o := range slicesOfService {
		s := typed[discoveryv1.EndpointSlice](o)
		for _, p := range s.Ports {
			if p.Port == nil || (p.Name != nil && *p.Name != port) {
				continue
			}
			for _, e := range s.Endpoints {
				if e.Conditions.Ready != nil && !*e.Conditions.Ready {
					continue
				}
				for _, a := range e.Addresses {
					out = append(out, fmt.Sprintf("%s:%d", a, *p.Port))
				}
			}
		}
	}
	return firstFew(out, "")
}

func (d *description) node(o Object, related Related) {
	n := typed[corev1.Node](o)
	d.line(0, "Name:\t%s", n.Name)
	d.line(0, "Roles:\t%s", nodeRoles(n))
	d.labels("Labels", n.Labels)
	d.annotations(n.Annotations)
	d.line(0, "CreationTimestamp:\t%s", timestamp(n.CreationTimestamp))
	d.line(0, "Unschedulable:\t%t", n.Spec.Unschedulable)
	d.line(0, "Conditions:")
	d.line(1, "Type\tStatus\tReason\tMessage")
	d.line(1, "----\t------\t------\t-------")
	for _, c := range n.Status.Conditions {
		d.line(1, "%s\t%s\t%s\t%s", c.Type, c.Status, c.Reason, c.Message)
	}
	d.line(0, "Addresses:")
	for _, a := range n.Status.Addresses {
		d.line(1, "%s:\t%s", a.Type, a.Address)
	}
	d.line(0, "ProviderID:\t%s", n.Spec.ProviderID)
	d.line(0, "Non-terminated Pods:\t(%d in total)", len(related.Pods))
	d.line(1, "Namespace\tName\tAge")
	d.line(1, "---------\t----\t---")
	for _, p := range related.Pods {
		d.line(1, "%s\t%s\t%s", p.GetNamespace(), p.GetName(), since(p.GetCreationTimestamp(), related.Now))
	}
}

func (d *description) namespace(o Object) {
	n := typed[corev1.Namespace](o)
	d.line(0, "Name:\t%s", n.Name)
	d.labels("Labels", n.Labels)
	d.annotations(n.Annotations)
	d.line(0, "Status:\t%s", or(string(n.Status.Phase), string(corev1.NamespaceActive)))
}

// data prints a ConfigMap's values, and of a Secret only their sizes.
func (d *description) data(k *Kind, o Object) {
	d.line(0, "Name:\t%s", o.GetName())
	d.line(0, "Namespace:\t%s", o.GetNamespace())
	d.labels("Labels", o.GetLabels())
	d.annotations(o.GetAnnotations())
	values, _ := o.Object["data"].(map[string]any)
	if k.Ref() == kind.Secret {
		d.line(0, "")
		d.line(0, "Type:\t%s", typed[corev1.Secret](o).Type)
	}
	d.line(0, "")
	d.line(0, "Data")
	d.line(0, "====")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text := fmt.Sprint(values[key])
		if k.Ref() == kind.Secret {
			b, _ := base64.StdEncoding.DecodeString(text)
			d.line(0, "%s:\t%d bytes", key, len(b))
			continue
		}
		d.line(0, "%s:\n----\n%s\n", key, text)
	}
}

func plural(n int) string {
	if n > 1 {
		return "s"
	}
	return ""
}

func title(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func joinNonEmpty(separator string, parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
}
