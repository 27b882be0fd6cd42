package workload

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Back-off of containers that end by themselves: the first restart comes at once.
const (
	firstBackOff = time.Second
	maxBackOff   = 5 * time.Minute
	// pullBackOff is how long a container whose image is not there is ErrImagePull before it is ImagePullBackOff.
	pullBackOff = 10 * time.Second
	// resetBackOff is how long a container has to run for its back-off to be forgotten.
	resetBackOff = 10 * time.Minute
)

type state uint8

const (
	stateWaiting state = iota
	stateStarting
	stateRunning
	stateExited
)

// The reasons of containers that wait.
const (
	podInitializing  = "PodInitializing"
	errImagePull     = "ErrImagePull"
	imagePullBackOff = "ImagePullBackOff"
)

// container is one container of a Pod.
type container struct {
	spec  *corev1.Container
	init  bool // it runs before those of the Pod that do not
	state state
	// reason and message say why it waits, or how it ended.
	reason, message string
	ready           bool
	started         bool // and its startup probe, if it has one, has come out well
	command         bool // it is mapped to a local command
	listening       bool // it has accepted connections, if only in an earlier attempt
	attempt         int
	restarts        int32
	backOff         time.Duration
	retryAt         time.Time // zero: not by time
	startedAt       time.Time
	finishedAt      time.Time
	exitCode        int32
	last            *corev1.ContainerStateTerminated
	ports           map[uint16]uint16
	ip              netip.Addr // where a mapped address is
}

// mapping returns what the user mapped an image to, or nil.
func (c *Core) mapping(image string) *spillwayv1alpha1.Image {
	for i := range c.images {
		if MatchImage(c.images[i].Image, image) {
			return &c.images[i]
		}
	}
	return nil
}

// startContainers starts what may run now: the first init container that has not ended well, those that run beside it, and
// the others when all of them have.
func (c *Core) startContainers(p *pod) {
	for _, x := range p.everything() {
		if !p.mayStart(x) {
			return
		}
		if x.state == stateWaiting || x.state == stateExited && x.retryAt.IsZero() && !x.over() {
			c.start(p, x)
		}
	}
}

// mayStart tells whether every init container before one has done its part.
func (p *pod) mayStart(x *container) bool {
	for _, before := range p.inits {
		if before == x {
			return true
		}
		if !before.initialized() {
			return false
		}
	}
	return true
}

// sidecar tells whether an init container goes on running beside the others.
func (x *container) sidecar() bool {
	return x.init && x.spec.RestartPolicy != nil && *x.spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// over tells whether an init container has ended well.
func (x *container) over() bool {
	return x.init && !x.sidecar() && x.state == stateExited && x.exitCode == 0
}

// initialized tells whether an init container has done its part: it has ended well, or runs and has started.
func (x *container) initialized() bool { return x.over() || x.sidecar() && x.started }

// start orders a container to run, or says why it can't.
func (c *Core) start(p *pod, x *container) {
	x.retryAt = time.Time{}
	mapped := c.mapping(x.spec.Image)
	if mapped == nil && !c.config.Builtin(x.spec.Image) {
		c.missImage(p, x)
		return
	}
	run, err := c.run(p, x, mapped)
	if err != nil {
		c.hold(p, x, "CreateContainerConfigError", err.Error())
		return
	}
	delete(c.waiting, p)
	x.attempt++
	run.Attempt = x.attempt
	if x.state == stateExited {
		x.restarts++
	}
	x.state, x.reason, x.message = stateStarting, "ContainerCreating", ""
	x.command = mapped != nil && len(mapped.Command) > 0
	c.out.Commands = append(c.out.Commands, Command{Run: run})
	c.mark(p)
}

// missImage leaves a container waiting for its image. After a while it is said to back off, as a kubelet would; nothing but an
// edit helps.
func (c *Core) missImage(p *pod, x *container) {
	where := "in spillway.yaml (kind: Configuration, spec.images), or write the Service's EndpointSlice by hand"
	if c.config.Bound {
		where = "in a Configuration (spillway.dev/v1alpha1, spec.images), and apply that to this cluster"
	}
	text := fmt.Sprintf("Failed to pull image %q: it is not built in. Map it to a command or an address %s", x.spec.Image, where)
	if x.reason == imagePullBackOff {
		c.waiting[p] = struct{}{}
		return
	}
	c.hold(p, x, errImagePull, text)
	x.retryAt = c.now.Add(pullBackOff)
}

// backOffPull follows on ErrImagePull.
func (c *Core) backOffPull(p *pod, x *container) {
	x.retryAt, x.reason = time.Time{}, imagePullBackOff
	x.message = fmt.Sprintf("Back-off pulling image %q: %s: %s", x.spec.Image, errImagePull, x.message)
	c.event(p.ref, "Normal", "BackOff", fmt.Sprintf("Back-off pulling image %q", x.spec.Image), kubelet)
	c.mark(p)
}

// hold leaves a container waiting for something else than time.
func (c *Core) hold(p *pod, x *container, reason, message string) {
	c.waiting[p] = struct{}{}
	if x.reason == reason && x.message == message {
		return
	}
	x.state, x.reason, x.message = stateWaiting, reason, message
	c.event(p.ref, "Warning", "Failed", "Error: "+reason+": "+message, kubelet)
	c.mark(p)
}

func (c *Core) run(p *pod, x *container, mapped *spillwayv1alpha1.Image) (*Run, error) {
	zone, project := c.place(p)
	e := environment{core: c, pod: p, container: x.spec}
	env, err := e.resolve()
	if err != nil {
		return nil, err
	}
	files, err := e.files()
	if err != nil {
		return nil, err
	}
	run := &Run{
		Pod: p.id, Name: p.ref.Name, Namespace: p.ref.Namespace, Cluster: p.ref.Cluster, Zone: zone, Node: p.node,
		Project: project, IP: p.address, Container: x.spec, Image: mapped, Env: env, Files: files, Port: c.config.DefaultPort,
		Grace: p.grace(), Init: x.init && !x.sidecar(),
	}
	for _, port := range x.spec.Ports {
		if port.Protocol == "" || port.Protocol == corev1.ProtocolTCP {
			run.Port = uint16(port.ContainerPort)
			break
		}
	}
	return run, nil
}

// place returns the zone of the Pod's Node and the project of its cluster.
func (c *Core) place(p *pod) (zone, project string) {
	if node, ok := get[*corev1.Node](c, store.Ref{Cluster: p.ref.Cluster, Kind: kind.Node, Name: p.node}); ok {
		zone = node.Labels[corev1.LabelTopologyZone]
	}
	project = c.config.Project
	ref := store.Ref{Cluster: p.ref.Cluster, Kind: kind.Cluster, Name: p.ref.Cluster}
	if cluster, ok := get[*spillwayv1alpha1.Cluster](c, ref); ok && cluster.Spec.Project.ID != "" {
		project = cluster.Spec.Project.ID
	}
	return zone, project
}

// report takes news of a container in. News of an earlier attempt is no news.
func (c *Core) report(r Report) {
	p := c.pods[r.Pod]
	if p == nil {
		return
	}
	if r.Event == Stopped {
		c.forget(p)
		return
	}
	for _, x := range p.everything() {
		if x.spec.Name == r.Container && x.attempt == r.Attempt {
			c.reportContainer(p, x, r)
			if x.init && x.initialized() && !p.deleting {
				c.startContainers(p)
			}
			c.settleReady(p)
			c.mark(p)
		}
	}
}

func (c *Core) reportContainer(p *pod, x *container, r Report) {
	switch r.Event {
	case Running:
		x.state, x.startedAt, x.reason, x.message = stateRunning, c.now, "", ""
		x.ports, x.ip = maps.Clone(r.Ports), r.IP
		x.listening = x.listening || !x.command && !x.init
		x.started = x.spec.StartupProbe == nil
		name := x.spec.Name
		c.event(p.ref, "Normal", "Pulled", fmt.Sprintf("Container image %q already present on machine", x.spec.Image), kubelet)
		c.event(p.ref, "Normal", "Created", "Created container: "+name, kubelet)
		c.event(p.ref, "Normal", "Started", "Started container "+name, kubelet)
	case Failed:
		x.exitCode = 128
		c.event(p.ref, "Warning", "Failed", "Error: "+r.Message, kubelet)
		c.ended(p, x, r.Reason, r.Message)
	case Exited:
		x.exitCode = r.ExitCode
		reason := "Error"
		if r.ExitCode == 0 {
			reason = "Completed"
		}
		c.ended(p, x, reason, r.Message)
	case Listening:
		x.listening = true
	case Ready:
		x.ready = x.state == stateRunning
	case Unready:
		x.ready = false
		c.event(p.ref, "Warning", "Unhealthy", "Readiness probe failed: "+r.Message, kubelet)
	case StartedUp:
		x.started = true
	case Told:
		kind := "Warning"
		if r.Reason == "Killing" {
			kind = "Normal"
		}
		c.event(p.ref, kind, r.Reason, r.Message, kubelet)
	case Stopped:
	}
}

// ended has a container start again, later each time.
func (c *Core) ended(p *pod, x *container, reason, message string) {
	x.state, x.ready, x.started, x.finishedAt, x.reason, x.message = stateExited, false, false, c.now, reason, message
	x.last = &corev1.ContainerStateTerminated{
		ExitCode: x.exitCode, Reason: reason, Message: message,
		StartedAt: stamp(x.startedAt), FinishedAt: stamp(x.finishedAt),
	}
	if p.deleting || !restarts(p.object.Spec.RestartPolicy, x) {
		return
	}
	if !x.startedAt.IsZero() && c.now.Sub(x.startedAt) >= resetBackOff {
		x.backOff = 0
	}
	x.retryAt = c.now.Add(x.backOff)
	if x.backOff > 0 {
		c.event(p.ref, "Warning", "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s",
			x.spec.Name, p.ref.Name), kubelet)
	}
	x.backOff = min(maxBackOff, max(firstBackOff, 2*x.backOff))
	c.waiting[p] = struct{}{}
}

func restarts(policy corev1.RestartPolicy, x *container) bool {
	switch {
	case x.sidecar():
		return true
	case policy == corev1.RestartPolicyNever:
		return false
	case policy == corev1.RestartPolicyOnFailure || x.init:
		return x.exitCode != 0
	}
	return true
}

// settleReady derives the Pod's readiness from its containers' and its gates; it returns true if that has changed, or why
// not.
func (c *Core) settleReady(p *pod) (changed bool) {
	was, closed := p.ready(), p.closed
	p.closed = c.gateTrouble(p)
	switch {
	case p.unreadyNames() != "" || p.closed != "":
		p.readySince = time.Time{}
	case p.readySince.IsZero():
		p.readySince = c.now
	}
	return p.ready() != was || p.closed != closed
}

// wake does what is due. With retry, Pods that wait for a Node, an image or a ConfigMap try again.
func (c *Core) wake(retry bool) {
	for d := range c.progresses {
		if !c.now.Before(d.deadline()) {
			c.markOwner(d)
		}
	}
	for p := range c.waiting {
		if p.deleting {
			delete(c.waiting, p)
			continue
		}
		if retry {
			c.schedule(p)
		}
		busy := p.node == ""
		if !p.availableAt.IsZero() {
			busy = true
			if !c.now.Before(p.availableAt) {
				p.availableAt = time.Time{}
				c.mark(p)
			}
		}
		for _, x := range p.everything() {
			busy = c.wakeContainer(p, x, retry) || busy
		}
		if !busy {
			delete(c.waiting, p)
		}
	}
}

// wakeContainer returns true if the container goes on waiting.
func (c *Core) wakeContainer(p *pod, x *container, retry bool) bool {
	switch {
	case p.node == "":
		return true
	case !p.mayStart(x):
		return false // it is started when they have
	case x.state == stateWaiting && retry && !p.replaced():
		c.start(p, x)
	case x.state == stateWaiting && x.reason == errImagePull && !x.retryAt.IsZero() && !c.now.Before(x.retryAt):
		c.backOffPull(p, x)
	case x.state == stateExited && !x.retryAt.IsZero() && !c.now.Before(x.retryAt):
		c.start(p, x)
	}
	return x.state == stateWaiting || (x.state == stateExited && !x.retryAt.IsZero())
}

// replaced tells whether a Pod is of an earlier template.
func (p *pod) replaced() bool { return p.owner != nil && p.owner.stale(p) }

// next is the earliest time that something is due.
func (c *Core) next() time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if !t.IsZero() && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for p := range c.waiting {
		consider(p.availableAt)
		for _, x := range p.everything() {
			consider(x.retryAt)
		}
	}
	for d := range c.progresses {
		consider(d.deadline())
	}
	return next
}

func jsonEqual(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
