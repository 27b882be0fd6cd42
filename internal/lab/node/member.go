package node

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	coreclient "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"

	"github.com/spillway-lb/spillway/internal/lab/plan"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/standalone/nodes"
	"github.com/spillway-lb/spillway/internal/store"
)

// Heartbeats are a Lease's renewals, as a kubelet's are.
const (
	leaseSeconds = 40
	leaseRenewal = 10 * time.Second
)

// retry is how long something waits that an API server refused.
const retry = time.Second

// kubeletPort is where an API server asks a Node for logs.
const kubeletPort = 10250

// member is one cluster's Nodes.
type member struct {
	Member
	objects   []*corev1.Node
	store     *store.Store
	core      coreclient.CoreV1Interface
	leases    coordinationclient.LeaseInterface
	writer    *podWriter
	events    record.EventBroadcaster
	recorders map[string]record.EventRecorder // by Node
	logger    *slog.Logger
}

func newMember(m Member, o Options, s *store.Store) (*member, error) {
	core, err := coreclient.NewForConfig(m.Config)
	if err != nil {
		return nil, err
	}
	coordination, err := coordinationclient.NewForConfig(m.Config)
	if err != nil {
		return nil, err
	}
	made := &member{
		Member: m, store: s, core: core, leases: coordination.Leases(corev1.NamespaceNodeLease), events: record.NewBroadcaster(),
		recorders: map[string]record.EventRecorder{}, logger: o.Logger.With("cluster", m.Plan.Name),
	}
	made.writer = newPodWriter(s, core, made.logger)
	for _, n := range m.Nodes {
		object := nodeObject(m.Plan, n, o.Project, o.Version)
		made.objects = append(made.objects, object)
		made.recorders[object.Name] = made.events.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: "kubelet", Host: object.Name})
	}
	return made, nil
}

// Room on a Node: a lab's Pods are small, whatever they ask for.
const (
	nodeCPU    = "64"
	nodeMemory = "256Gi"
	nodePods   = "500"
)

// nodeObject is a Node as its kubelet registers it.
func nodeObject(c plan.Cluster, n plan.Node, project, version string) *corev1.Node {
	instance := ""
	if n.Instance > 0 {
		instance = "#" + strconv.Itoa(n.Instance)
	}
	object := nodes.New(nodes.Place{
		Cluster: c.Name, Region: c.Region, Zone: n.Zone, Instance: instance, Project: project, Address: n.Address, Version: version,
	})
	room := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse(nodeCPU), corev1.ResourceMemory: resource.MustParse(nodeMemory), corev1.ResourcePods: resource.MustParse(nodePods),
	}
	object.Status.Capacity, object.Status.Allocatable = room, room
	object.Status.DaemonEndpoints.KubeletEndpoint.Port = kubeletPort
	for _, of := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure} {
		object.Status.Conditions = append(object.Status.Conditions, corev1.NodeCondition{
			Type: of, Status: corev1.ConditionFalse, Reason: "KubeletHasNoPressure", Message: "the Node is simulated",
		})
	}
	return object
}

// createNodes registers the Nodes, until it succeeds or the context ends.
func (m *member) createNodes(ctx context.Context) error {
	for _, n := range m.objects {
		for {
			err := m.createNode(ctx, n)
			if err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("node %s: %w", n.Name, err)
			case <-time.After(retry):
			}
		}
	}
	return nil
}

func (m *member) createNode(ctx context.Context, n *corev1.Node) error {
	now := metav1.Now()
	object := n.DeepCopy()
	for i := range object.Status.Conditions {
		object.Status.Conditions[i].LastHeartbeatTime, object.Status.Conditions[i].LastTransitionTime = now, now
	}
	if _, err := m.core.Nodes().Create(ctx, object, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return m.renew(ctx, n.Name)
}

// renew shows that a Node lives.
func (m *member) renew(ctx context.Context, name string) error {
	now := metav1.NowMicro()
	lease, err := m.leases.Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		seconds := int32(leaseSeconds)
		_, err = m.leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, RenewTime: &now},
		}, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	lease.Spec.RenewTime = &now
	_, err = m.leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}

// run watches and keeps the Nodes alive until the context ends.
func (m *member) run(ctx context.Context, wg *sync.WaitGroup) {
	m.events.StartRecordingToSink(&coreclient.EventSinkImpl{Interface: m.core.Events("")})
	context.AfterFunc(ctx, m.events.Shutdown)
	m.watch(ctx, wg)
	wg.Go(func() { m.writer.run(ctx) })
	wg.Go(func() {
		ticker := time.NewTicker(leaseRenewal)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			for _, n := range m.objects {
				if err := m.renew(ctx, n.Name); err != nil && ctx.Err() == nil {
					m.logger.Warn("a Node's heartbeat failed", "node", n.Name, "error", err)
				}
			}
		}
	})
}

// tell makes an event about a Pod, in the name of its Node's kubelet.
func (m *member) tell(about store.Object, e recompute.Event) {
	pod, ok := about.(*corev1.Pod)
	if !ok {
		return
	}
	if recorder := m.recorders[pod.Spec.NodeName]; recorder != nil {
		recorder.Event(&corev1.ObjectReference{
			APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name, UID: pod.UID, ResourceVersion: pod.ResourceVersion,
		}, e.Type, e.Reason, e.Message)
	}
}
