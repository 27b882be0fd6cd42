package printer

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// time is kubectl's form of a time stamp in descriptions.
func timestamp(t metav1.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 -0700") }

func (d *description) pod(o Object, related Related) {
	p := typed[corev1.Pod](o)
	d.line(0, "Name:\t%s", p.Name)
	d.line(0, "Namespace:\t%s", p.Namespace)
	d.line(0, "Service Account:\t%s", or(p.Spec.ServiceAccountName, "default"))
	d.line(0, "Node:\t%s", orNone(joinNonEmpty("/", p.Spec.NodeName, p.Status.HostIP)))
	if p.Status.StartTime != nil {
		d.line(0, "Start Time:\t%s", timestamp(*p.Status.StartTime))
	}
	d.labels("Labels", p.Labels)
	d.annotations(p.Annotations)
	d.podPhase(p, related)
	d.line(0, "IP:\t%s", p.Status.PodIP)
	d.line(0, "IPs:")
	for _, ip := range p.Status.PodIPs {
		d.line(1, "IP:\t%s", ip.IP)
	}
	if owner := metav1.GetControllerOf(p); owner != nil {
		d.line(0, "Controlled By:\t%s/%s", owner.Kind, owner.Name)
	}
	d.line(0, "Containers:")
	for _, c := range p.Spec.Containers {
		d.container(c, p.Status.ContainerStatuses)
	}
	d.readinessGates(p)
	if len(p.Status.Conditions) > 0 {
		d.line(0, "Conditions:")
		d.line(1, "Type\tStatus")
		for _, c := range p.Status.Conditions {
			d.line(1, "%s\t%s", c.Type, c.Status)
		}
	}
}

func (d *description) podPhase(p *corev1.Pod, related Related) {
	if p.DeletionTimestamp == nil {
		d.line(0, "Status:\t%s", p.Status.Phase)
		return
	}
	d.line(0, "Status:\tTerminating (lasts %s)", since(*p.DeletionTimestamp, related.Now))
	if s := p.DeletionGracePeriodSeconds; s != nil {
		d.line(0, "Termination Grace Period:\t%ds", *s)
	}
}

func (d *description) readinessGates(p *corev1.Pod) {
	if len(p.Spec.ReadinessGates) == 0 {
		return
	}
	d.line(0, "Readiness Gates:")
	d.line(1, "Type\tStatus")
	for _, gate := range p.Spec.ReadinessGates {
		status := "<none>"
		for _, c := range p.Status.Conditions {
			if c.Type == gate.ConditionType {
				status = string(c.Status)
			}
		}
		d.line(1, "%s\t%s", gate.ConditionType, status)
	}
}

func (d *description) container(c corev1.Container, statuses []corev1.ContainerStatus) {
	d.line(1, "%s:", c.Name)
	d.line(2, "Image:\t%s", c.Image)
	d.line(2, "Port%s:\t%s", plural(len(c.Ports)), containerPorts(c.Ports))
	if len(c.Command) > 0 {
		d.line(2, "Command:")
		for _, word := range c.Command {
			d.line(3, "%s", word)
		}
	}
	if len(c.Args) > 0 {
		d.line(2, "Args:")
		for _, word := range c.Args {
			d.line(3, "%s", word)
		}
	}
	for _, s := range statuses {
		if s.Name == c.Name {
			d.containerState(s)
		}
	}
	if len(c.Env) == 0 {
		d.line(2, "Environment:\t<none>")
		return
	}
	d.line(2, "Environment:")
	for _, e := range c.Env {
		d.line(3, "%s:\t%s", e.Name, envValue(e))
	}
}

func (d *description) containerState(s corev1.ContainerStatus) {
	switch {
	case s.State.Running != nil:
		d.line(2, "State:\tRunning")
		d.line(3, "Started:\t%s", timestamp(s.State.Running.StartedAt))
	case s.State.Terminated != nil:
		d.line(2, "State:\tTerminated")
		d.line(3, "Reason:\t%s", s.State.Terminated.Reason)
		d.line(3, "Exit Code:\t%d", s.State.Terminated.ExitCode)
	default:
		d.line(2, "State:\tWaiting")
		if w := s.State.Waiting; w != nil {
			d.line(3, "Reason:\t%s", w.Reason)
			if w.Message != "" {
				d.line(3, "Message:\t%s", w.Message)
			}
		}
	}
	d.line(2, "Ready:\t%s", title(s.Ready))
	d.line(2, "Restart Count:\t%d", s.RestartCount)
}

func containerPorts(ports []corev1.ContainerPort) string {
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprintf("%d/%s", p.ContainerPort, or(string(p.Protocol), "TCP")))
	}
	return orNone(strings.Join(out, ", "))
}

func envValue(e corev1.EnvVar) string {
	switch from := e.ValueFrom; {
	case from == nil:
		return e.Value
	case from.FieldRef != nil:
		return fmt.Sprintf(" (%s:%s)", from.FieldRef.APIVersion, from.FieldRef.FieldPath)
	case from.SecretKeyRef != nil:
		return fmt.Sprintf("<set to the key '%s' in secret '%s'>", from.SecretKeyRef.Key, from.SecretKeyRef.Name)
	case from.ConfigMapKeyRef != nil:
		return fmt.Sprintf("<set to the key '%s' of config map '%s'>", from.ConfigMapKeyRef.Key, from.ConfigMapKeyRef.Name)
	}
	return ""
}

func (d *description) service(o Object, related Related) {
	s := typed[corev1.Service](o)
	d.line(0, "Name:\t%s", s.Name)
	d.line(0, "Namespace:\t%s", s.Namespace)
	d.labels("Labels", s.Labels)
	d.annotations(s.Annotations)
	d.line(0, "Selector:\t%s", selectorText(s.Spec.Selector))
	d.line(0, "Type:\t%s", or(string(s.Spec.Type), "ClusterIP"))
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

func (d *description) deployment(o Object, related Related) {
	dep := typed[appsv1.Deployment](o)
	st := dep.Status
	d.line(0, "Name:\t%s", dep.Name)
	d.line(0, "Namespace:\t%s", dep.Namespace)
	d.line(0, "CreationTimestamp:\t%s", timestamp(dep.CreationTimestamp))
	d.labels("Labels", dep.Labels)
	d.annotations(dep.Annotations)
	d.line(0, "Selector:\t%s", metav1.FormatLabelSelector(dep.Spec.Selector))
	d.line(0, "Replicas:\t%d desired | %d updated | %d total | %d available | %d unavailable",
		replicas(dep.Spec.Replicas), st.UpdatedReplicas, st.Replicas, st.AvailableReplicas, st.UnavailableReplicas)
	d.line(0, "StrategyType:\t%s", or(string(dep.Spec.Strategy.Type), "RollingUpdate"))
	d.line(0, "MinReadySeconds:\t%d", dep.Spec.MinReadySeconds)
	d.line(0, "Pod Template:")
	d.line(1, "Labels:\t%s", selectorText(dep.Spec.Template.Labels))
	d.line(1, "Containers:")
	for _, c := range dep.Spec.Template.Spec.Containers {
		d.line(2, "%s:", c.Name)
		d.line(3, "Image:\t%s", c.Image)
		d.line(3, "Port%s:\t%s", plural(len(c.Ports)), containerPorts(c.Ports))
	}
	if len(st.Conditions) > 0 {
		d.line(0, "Conditions:")
		d.line(1, "Type\tStatus\tReason")
		d.line(1, "----\t------\t------")
		for _, c := range st.Conditions {
			d.line(1, "%s\t%s\t%s", c.Type, c.Status, c.Reason)
		}
	}
	for _, rs := range related.ReplicaSets {
		r := typed[appsv1.ReplicaSet](rs)
		d.line(0, "ReplicaSet:\t%s (%d/%d replicas created)", r.Name, r.Status.Replicas, replicas(r.Spec.Replicas))
	}
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
func (d *description) data(kind *Kind, o Object) {
	d.line(0, "Name:\t%s", o.GetName())
	d.line(0, "Namespace:\t%s", o.GetNamespace())
	d.labels("Labels", o.GetLabels())
	d.annotations(o.GetAnnotations())
	values, _ := o.Object["data"].(map[string]any)
	if kind.Kind == "Secret" {
		d.line(0, "")
		d.line(0, "Type:\t%s", typed[corev1.Secret](o).Type)
	}
	d.line(0, "")
	d.line(0, "Data")
	d.line(0, "====")
	for _, key := range slices.Sorted(maps.Keys(values)) {
		text := fmt.Sprint(values[key])
		if kind.Kind == "Secret" {
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
