package printer

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/kind"
)

// coreLayout is kubectl's own table of a built-in kind; the last cells of a row are the wide ones.
type coreLayout struct {
	headers []string
	wide    []string
	row     func(Object, time.Time) []string
}

func (c coreLayout) table(objects []Object, o TableOptions) table {
	t := table{headers: c.headers}
	if o.Wide {
		t.headers = append(slices.Clone(c.headers), c.wide...)
	}
	for _, object := range objects {
		t.rows = append(t.rows, c.row(object, o.Now)[:len(t.headers)])
	}
	return t
}

func coreLayouts() map[string]coreLayout {
	workload := []string{"CONTAINERS", "IMAGES", "SELECTOR"}
	return map[string]coreLayout{
		kind.Pod: {
			[]string{"NAME", "READY", "STATUS", "RESTARTS", "AGE"},
			[]string{"IP", "NODE", "NOMINATED NODE", "READINESS GATES"},
			podRow,
		},
		kind.Service: {
			[]string{"NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"}, []string{"SELECTOR"}, serviceRow,
		},
		kind.Deployment:  {[]string{"NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"}, workload, deploymentRow},
		kind.ReplicaSet:  {[]string{"NAME", "DESIRED", "CURRENT", "READY", "AGE"}, workload, replicaSetRow},
		kind.StatefulSet: {[]string{"NAME", "READY", "AGE"}, workload[:2], statefulSetRow},
		kind.DaemonSet: {
			[]string{"NAME", "DESIRED", "CURRENT", "READY", "UP-TO-DATE", "AVAILABLE", "NODE SELECTOR", "AGE"}, workload, daemonSetRow,
		},
		kind.Node: {
			[]string{"NAME", "STATUS", "ROLES", "AGE", "VERSION"},
			[]string{"INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"},
			nodeRow,
		},
		kind.Ingress:        {[]string{"NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE"}, nil, ingressRow},
		kind.IngressClass:   {[]string{"NAME", "CONTROLLER", "PARAMETERS", "AGE"}, nil, ingressClassRow},
		kind.Namespace:      {[]string{"NAME", "STATUS", "AGE"}, nil, namespaceRow},
		kind.EndpointSlice:  {[]string{"NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"}, nil, sliceRow},
		kind.Endpoints:      {[]string{"NAME", "ENDPOINTS", "AGE"}, nil, endpointsRow},
		kind.Secret:         {[]string{"NAME", "TYPE", "DATA", "AGE"}, nil, secretRow},
		kind.ConfigMap:      {[]string{"NAME", "DATA", "AGE"}, nil, configMapRow},
		kind.ServiceAccount: {[]string{"NAME", "SECRETS", "AGE"}, nil, serviceAccountRow},
		kind.Event: {
			[]string{"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"},
			[]string{"SUBOBJECT", "SOURCE", "FIRST SEEN", "COUNT", "NAME"},
			eventRow,
		},
	}
}

func serviceRow(o Object, now time.Time) []string {
	s := typed[corev1.Service](o)
	serviceType := s.Spec.Type
	if serviceType == "" {
		serviceType = corev1.ServiceTypeClusterIP
	}
	return []string{
		s.Name, string(serviceType), orNone(s.Spec.ClusterIP), externalIP(s), servicePorts(s.Spec.Ports),
		since(s.CreationTimestamp, now), selectorText(s.Spec.Selector),
	}
}

func externalIP(s *corev1.Service) string {
	ips := slices.Clone(s.Spec.ExternalIPs)
	switch s.Spec.Type {
	case corev1.ServiceTypeExternalName:
		return s.Spec.ExternalName
	case corev1.ServiceTypeLoadBalancer:
		for _, i := range s.Status.LoadBalancer.Ingress {
			ips = append(ips, i.IP+i.Hostname)
		}
		if len(ips) == 0 {
			return "<pending>"
		}
	}
	return orNone(strings.Join(ips, ","))
}

func servicePorts(ports []corev1.ServicePort) string {
	var out []string
	for _, p := range ports {
		protocol := p.Protocol
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		if p.NodePort > 0 {
			out = append(out, fmt.Sprintf("%d:%d/%s", p.Port, p.NodePort, protocol))
		} else {
			out = append(out, fmt.Sprintf("%d/%s", p.Port, protocol))
		}
	}
	return orNone(strings.Join(out, ","))
}

func nodeRow(o Object, now time.Time) []string {
	n := typed[corev1.Node](o)
	state := "Unknown"
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			state = "Ready"
			if c.Status != corev1.ConditionTrue {
				state = "NotReady"
			}
		}
	}
	if n.Spec.Unschedulable {
		state += ",SchedulingDisabled"
	}
	address := func(kind corev1.NodeAddressType) string {
		for _, a := range n.Status.Addresses {
			if a.Type == kind {
				return a.Address
			}
		}
		return "<none>"
	}
	info := n.Status.NodeInfo
	return []string{
		n.Name, state, nodeRoles(n), since(n.CreationTimestamp, now), info.KubeletVersion,
		address(corev1.NodeInternalIP), address(corev1.NodeExternalIP), orUnknown(info.OSImage), orUnknown(info.KernelVersion),
		orUnknown(info.ContainerRuntimeVersion),
	}
}

func nodeRoles(n *corev1.Node) string {
	var roles []string
	for _, key := range slices.Sorted(maps.Keys(n.Labels)) {
		if role, ok := strings.CutPrefix(key, "node-role.kubernetes.io/"); ok && role != "" {
			roles = append(roles, role)
		}
	}
	return orNone(strings.Join(roles, ","))
}

func namespaceRow(o Object, now time.Time) []string {
	n := typed[corev1.Namespace](o)
	phase := n.Status.Phase
	if phase == "" {
		phase = corev1.NamespaceActive
	}
	return []string{n.Name, string(phase), since(n.CreationTimestamp, now)}
}

func sliceRow(o Object, now time.Time) []string {
	s := typed[discoveryv1.EndpointSlice](o)
	var ports, addresses []string
	for _, p := range s.Ports {
		text := "*"
		if p.Port != nil {
			text = fmt.Sprint(*p.Port)
		}
		ports = append(ports, text)
	}
	for _, e := range s.Endpoints {
		addresses = append(addresses, e.Addresses...)
	}
	return []string{
		s.Name, string(s.AddressType), firstFew(ports, "<unset>"), firstFew(addresses, "<unset>"), since(s.CreationTimestamp, now),
	}
}

// firstFew lists three and counts the rest, as kubectl does for endpoints.
func firstFew(items []string, none string) string {
	const most = 3
	switch {
	case len(items) == 0:
		return none
	case len(items) > most:
		return fmt.Sprintf("%s + %d more...", strings.Join(items[:most], ","), len(items)-most)
	}
	return strings.Join(items, ",")
}

func secretRow(o Object, now time.Time) []string {
	s := typed[corev1.Secret](o)
	kind := s.Type
	if kind == "" {
		kind = corev1.SecretTypeOpaque
	}
	return []string{s.Name, string(kind), strconv.Itoa(len(s.Data) + len(s.StringData)), since(s.CreationTimestamp, now)}
}

func configMapRow(o Object, now time.Time) []string {
	c := typed[corev1.ConfigMap](o)
	return []string{c.Name, strconv.Itoa(len(c.Data) + len(c.BinaryData)), since(c.CreationTimestamp, now)}
}

func serviceAccountRow(o Object, now time.Time) []string {
	a := typed[corev1.ServiceAccount](o)
	return []string{a.Name, strconv.Itoa(len(a.Secrets)), since(a.CreationTimestamp, now)}
}

func eventRow(o Object, now time.Time) []string {
	e := typed[corev1.Event](o)
	involved := e.InvolvedObject
	return []string{
		since(e.LastTimestamp, now), e.Type, e.Reason, strings.ToLower(involved.Kind) + "/" + involved.Name,
		strings.TrimSpace(e.Message), involved.FieldPath, e.Source.Component, since(e.FirstTimestamp, now), fmt.Sprint(e.Count), e.Name,
	}
}

func selectorText(selector map[string]string) string {
	if len(selector) == 0 {
		return "<none>"
	}
	return labels.FormatLabels(selector)
}

// labelList is labels in the form of --show-labels.
func labelList(l map[string]string) string {
	return labels.FormatLabels(l)
}

func orNone(s string) string    { return or(s, "<none>") }
func orUnknown(s string) string { return or(s, "<unknown>") }

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}
