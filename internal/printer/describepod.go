package printer

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
	if len(p.Spec.InitContainers) > 0 {
		d.line(0, "Init Containers:")
		for _, c := range p.Spec.InitContainers {
			d.container(c, p.Status.InitContainerStatuses)
		}
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
	d.volumes(p.Spec.Volumes)
	d.line(0, "QoS Class:\t%s", or(string(p.Status.QOSClass), string(corev1.PodQOSBestEffort)))
	d.line(0, "Node-Selectors:\t%s", selectorText(p.Spec.NodeSelector))
	d.tolerations(p.Spec.Tolerations)
}

func (d *description) tolerations(tolerations []corev1.Toleration) {
	if len(tolerations) == 0 {
		d.line(0, "Tolerations:\t<none>")
	}
	for i, t := range tolerations {
		name := ""
		if i == 0 {
			name = "Tolerations:"
		}
		d.line(0, "%s\t%s", name, toleration(t))
	}
}

// toleration is KEY=VALUE:EFFECT op=OPERATOR for SECONDSs, without the parts that are not set.
func toleration(t corev1.Toleration) string {
	out := t.Key
	if t.Value != "" {
		out += "=" + t.Value
	}
	if t.Effect != "" {
		out += ":" + string(t.Effect)
	}
	if t.Operator == corev1.TolerationOpExists {
		out = joinNonEmpty(" ", out, "op=Exists")
	}
	if t.TolerationSeconds != nil {
		out += fmt.Sprintf(" for %ds", *t.TolerationSeconds)
	}
	return out
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
	var status corev1.ContainerStatus
	for _, s := range statuses {
		if s.Name == c.Name {
			status = s
		}
	}
	d.line(2, "Container ID:\t%s", status.ContainerID)
	d.line(2, "Image:\t%s", c.Image)
	d.line(2, "Image ID:\t%s", status.ImageID)
	d.containerStart(c)
	if status.Name != "" {
		d.containerState(status)
	}
	d.probes(c)
	d.environment(c)
	d.mounts(c.VolumeMounts)
}

// containerSpec is what a template says of a container.
func (d *description) containerSpec(c corev1.Container) {
	d.line(2, "Image:\t%s", c.Image)
	d.containerStart(c)
}

func (d *description) containerStart(c corev1.Container) {
	d.line(2, "Port%s:\t%s", plural(len(c.Ports)), containerPorts(c.Ports))
	d.line(2, "Host Port%s:\t%s", plural(len(c.Ports)), hostPortsOf(c.Ports))
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
}

func (d *description) environment(c corev1.Container) {
	d.environmentFrom(c.EnvFrom)
	if len(c.Env) == 0 {
		d.line(2, "Environment:\t<none>")
		return
	}
	d.line(2, "Environment:")
	for _, e := range c.Env {
		d.line(3, "%s:\t%s", e.Name, envValue(e))
	}
}

// environmentFrom is there only if anything is.
func (d *description) environmentFrom(from []corev1.EnvFromSource) {
	if len(from) == 0 {
		return
	}
	d.line(2, "Environment Variables from:")
	for _, f := range from {
		switch {
		case f.ConfigMapRef != nil:
			d.line(3, "%s\tConfigMap\tOptional: %t", f.ConfigMapRef.Name, f.ConfigMapRef.Optional != nil && *f.ConfigMapRef.Optional)
		case f.SecretRef != nil:
			d.line(3, "%s\tSecret\tOptional: %t", f.SecretRef.Name, f.SecretRef.Optional != nil && *f.SecretRef.Optional)
		}
	}
}

func (d *description) containerState(s corev1.ContainerStatus) {
	d.state("State", s.State)
	if s.LastTerminationState.Terminated != nil {
		d.state("Last State", s.LastTerminationState)
	}
	d.line(2, "Ready:\t%s", title(s.Ready))
	d.line(2, "Restart Count:\t%d", s.RestartCount)
}

func (d *description) state(name string, s corev1.ContainerState) {
	switch {
	case s.Running != nil:
		d.line(2, "%s:\tRunning", name)
		d.line(3, "Started:\t%s", timestamp(s.Running.StartedAt))
	case s.Terminated != nil:
		t := s.Terminated
		d.line(2, "%s:\tTerminated", name)
		if t.Reason != "" {
			d.line(3, "Reason:\t%s", t.Reason)
		}
		if t.Message != "" {
			d.line(3, "Message:\t%s", strings.TrimSpace(t.Message))
		}
		d.line(3, "Exit Code:\t%d", t.ExitCode)
		d.line(3, "Started:\t%s", timestamp(t.StartedAt))
		d.line(3, "Finished:\t%s", timestamp(t.FinishedAt))
	default:
		d.line(2, "%s:\tWaiting", name)
		if w := s.Waiting; w != nil {
			d.line(3, "Reason:\t%s", w.Reason)
			if w.Message != "" {
				d.line(3, "Message:\t%s", w.Message)
			}
		}
	}
}

func containerPorts(ports []corev1.ContainerPort) string {
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprintf("%d/%s", p.ContainerPort, or(string(p.Protocol), "TCP")))
	}
	return orNone(strings.Join(out, ", "))
}

func hostPortsOf(ports []corev1.ContainerPort) string {
	var out []string
	for _, p := range ports {
		out = append(out, fmt.Sprintf("%d/%s", p.HostPort, or(string(p.Protocol), "TCP")))
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
