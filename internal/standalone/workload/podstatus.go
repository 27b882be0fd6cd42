package workload

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// emitPod writes a Pod's object, status and bound ports.
func (c *Core) emitPod(p *pod) {
	if c.config.Bound {
		// Whoever tells the API server has to know which Pod of that name it is about.
		c.out.Writes = append(c.out.Writes, recompute.WriteChange{Write: recompute.Write{
			Ref: p.ref, Part: recompute.PartStatus, Key: string(p.object.UID), Value: c.podStatus(p),
		}})
		return
	}
	if p.owner != nil {
		c.write(p.ref, recompute.PartObject, p.object)
	} else if p.node != "" && !p.deleting {
		c.out.Bindings = append(c.out.Bindings, Binding{Pod: p.ref, Node: p.node, Gates: p.object.Spec.ReadinessGates})
	}
	c.write(p.ref, recompute.PartStatus, c.podStatus(p))
	if ports := p.boundPorts(); ports != "" {
		c.write(p.ref, recompute.PartAnnotations, map[string]string{AnnotationPorts: ports})
	} else {
		c.unwrite(p.ref, recompute.PartAnnotations)
	}
}

// boundPorts is the value of AnnotationPorts, "" if every port is bound as written.
func (p *pod) boundPorts() string {
	bound := map[string]uint16{}
	for _, x := range p.containers {
		for port, at := range x.ports {
			key := strconv.Itoa(int(port))
			if port == 0 {
				key = "*"
			}
			bound[key] = at
		}
	}
	if len(bound) == 0 {
		return ""
	}
	text, err := json.Marshal(bound)
	if err != nil {
		panic("workload: a map of ports does not marshal: " + err.Error())
	}
	return string(text)
}

func (c *Core) podStatus(p *pod) *corev1.PodStatus {
	s := &corev1.PodStatus{Phase: p.phase(), QOSClass: corev1.PodQOSBestEffort, Conditions: p.conditions()}
	if p.node != "" {
		started := stamp(p.started)
		s.StartTime = &started
		s.HostIP = c.hostIP(p)
		s.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	}
	ip := p.ip()
	if c.config.Bound && !ip.IsValid() {
		ip = p.address // as a kubelet shows it: from the start
	}
	if ip.IsValid() {
		s.PodIP = ip.String()
		s.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	}
	for _, x := range p.inits {
		s.InitContainerStatuses = append(s.InitContainerStatuses, x.status(p))
	}
	for _, x := range p.containers {
		s.ContainerStatuses = append(s.ContainerStatuses, x.status(p))
	}
	return s
}

// ip is where the Pod answers. It has none before one of its containers listens: the first probe of a load balancer
// would find it unhealthy, and the next one is 15 s later.
func (p *pod) ip() netip.Addr {
	var ip netip.Addr
	for _, x := range p.containers {
		switch {
		case x.ip.IsValid():
			return x.ip
		case x.listening:
			ip = p.address
		}
	}
	return ip
}

func (p *pod) phase() corev1.PodPhase {
	ended, failed, started := 0, false, false
	if broken := p.brokenInit(); broken || !p.initialized() {
		if broken {
			return corev1.PodFailed
		}
		return corev1.PodPending
	}
	for _, x := range p.containers {
		if x.state == stateExited && x.retryAt.IsZero() {
			ended++
			failed = failed || x.exitCode != 0
		}
		started = started || x.state == stateRunning || x.attempt > 1 || x.state == stateExited
	}
	switch {
	case ended == len(p.containers) && failed:
		return corev1.PodFailed
	case ended == len(p.containers) && ended > 0:
		return corev1.PodSucceeded
	case started:
		return corev1.PodRunning
	}
	return corev1.PodPending
}

func (p *pod) conditions() []corev1.PodCondition {
	scheduled := corev1.PodCondition{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}
	if p.node == "" {
		scheduled.Status, scheduled.Reason, scheduled.Message = corev1.ConditionFalse, "Unschedulable", p.unscheduled
		return []corev1.PodCondition{scheduled}
	}
	initialized := corev1.PodCondition{Type: corev1.PodInitialized, Status: corev1.ConditionTrue}
	if !p.initialized() {
		initialized.Status, initialized.Reason = corev1.ConditionFalse, "ContainersNotInitialized"
		initialized.Message = "containers with incomplete status: [" + names(p.inits, (*container).initialized) + "]"
	}
	containers := corev1.PodCondition{Type: corev1.ContainersReady, Status: corev1.ConditionTrue}
	if unready := p.unreadyNames(); unready != "" {
		containers.Status, containers.Reason = corev1.ConditionFalse, "ContainersNotReady"
		containers.Message = "containers with unready status: [" + unready + "]"
	}
	ready := containers
	ready.Type = corev1.PodReady
	if ready.Status == corev1.ConditionTrue && p.closed != "" {
		ready.Status, ready.Reason, ready.Message = corev1.ConditionFalse, "ReadinessGatesNotReady", p.closed
	}
	return []corev1.PodCondition{
		{Type: corev1.PodReadyToStartContainers, Status: corev1.ConditionTrue}, initialized, ready, containers, scheduled,
	}
}

// initialized tells whether every init container has done its part.
func (p *pod) initialized() bool {
	return !slices.ContainsFunc(p.inits, func(x *container) bool { return !x.initialized() })
}

// brokenInit tells whether an init container has failed for good.
func (p *pod) brokenInit() bool {
	return slices.ContainsFunc(p.inits, func(x *container) bool {
		return !x.sidecar() && x.state == stateExited && x.exitCode != 0 && x.retryAt.IsZero()
	})
}

// unreadyNames are the containers that the Pod's readiness waits for, "" for none.
func (p *pod) unreadyNames() string {
	counted := slices.Concat(slices.DeleteFunc(slices.Clone(p.inits), func(x *container) bool { return !x.sidecar() }), p.containers)
	return names(counted, func(x *container) bool { return x.ready })
}

// names are those of the containers that are not well, with blanks between them.
func names(all []*container, well func(*container) bool) string {
	var names []string
	for _, x := range all {
		if !well(x) {
			names = append(names, x.spec.Name)
		}
	}
	return strings.Join(names, " ")
}

func (x *container) status(p *pod) corev1.ContainerStatus {
	started := x.state == stateRunning && x.started
	s := corev1.ContainerStatus{
		Name: x.spec.Name, Image: x.spec.Image, ImageID: x.spec.Image, Ready: x.ready || x.over(), RestartCount: x.restarts,
		Started: &started,
	}
	if x.attempt > 0 {
		s.ContainerID = "spillway://" + p.id + "/" + x.spec.Name + "/" + strconv.Itoa(x.attempt)
	}
	if x.last != nil {
		s.LastTerminationState.Terminated = x.last
	}
	switch {
	case x.state == stateRunning:
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: stamp(x.startedAt)}
	case x.state == stateExited && x.retryAt.IsZero():
		s.State.Terminated, s.LastTerminationState.Terminated = x.last, nil
	case x.state == stateExited:
		s.State.Waiting = &corev1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", x.retryAt.Sub(x.finishedAt), x.spec.Name, p.ref.Name),
		}
	default:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: x.reason, Message: x.message}
	}
	return s
}

// hostIP is the internal address of the Pod's Node.
func (c *Core) hostIP(p *pod) string {
	node, ok := get[*corev1.Node](c, store.Ref{Cluster: p.ref.Cluster, Kind: kind.Node, Name: p.node})
	if !ok {
		return ""
	}
	for _, a := range node.Status.Addresses {
		if a.Type == corev1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}

// stamp is a time as the API server keeps it; the zero time stays zero.
func stamp(t time.Time) metav1.Time {
	if t.IsZero() {
		return metav1.Time{}
	}
	return metav1.NewTime(t.UTC().Truncate(time.Second))
}
