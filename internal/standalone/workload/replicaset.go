package workload

import (
	"encoding/json"
	"hash/fnv"
	"maps"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

const replicaSetController = "replicaset-controller"

// replicaSet is the Pods of one template.
type replicaSet struct {
	ref      store.Ref
	owner    controller
	hash     string
	revision int
	template corev1.PodTemplateSpec
	// uid is what the store gave the object; "" before it has one.
	uid types.UID
	// target is the number of Pods asked for last.
	target int
	pods   []*pod
}

func (c *Core) newReplicaSet(d *deployment, hash string, revision int) *replicaSet {
	rs := &replicaSet{
		ref: store.Ref{
			Cluster: d.ref.Cluster, Kind: kind.ReplicaSet, Namespace: d.ref.Namespace, Name: d.ref.Name + "-" + hash,
		},
		owner: d, hash: hash, revision: revision, template: *d.object.Spec.Template.DeepCopy(),
	}
	if rs.template.Labels == nil {
		rs.template.Labels = map[string]string{}
	}
	rs.template.Labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	// It may be there from an earlier life of the Deployment, and stay.
	if object, ok := get[*appsv1.ReplicaSet](c, rs.ref); ok {
		rs.uid = object.UID
	}
	return rs
}

// templateHash names the Pods' template, and what its images are mapped to, as a change of either starts a rollout.
func (c *Core) templateHash(template *corev1.PodTemplateSpec) string {
	sum := fnv.New32a()
	e := json.NewEncoder(sum)
	// Encoding API types to a hash does not fail.
	_ = e.Encode(template)
	for _, containers := range [][]corev1.Container{template.Spec.InitContainers, template.Spec.Containers} {
		for i := range containers {
			if mapped := c.mapping(containers[i].Image); mapped != nil {
				_ = e.Encode(mapped)
			}
		}
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(sum.Sum32()), 10))
}

// staying returns the Pods that are not on their way out, in the order of their creation.
func (rs *replicaSet) staying() []*pod { return staying(rs.pods) }

func (rs *replicaSet) object(d *deployment) *appsv1.ReplicaSet {
	replicas := int32(rs.target)
	selector := d.object.Spec.Selector.DeepCopy()
	if selector == nil {
		selector = &metav1.LabelSelector{}
	}
	if selector.MatchLabels == nil {
		selector.MatchLabels = map[string]string{}
	}
	selector.MatchLabels[appsv1.DefaultDeploymentUniqueLabelKey] = rs.hash
	return &appsv1.ReplicaSet{
		TypeMeta: metav1.TypeMeta{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "ReplicaSet"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: rs.ref.Namespace, Name: rs.ref.Name, Labels: maps.Clone(rs.template.Labels),
			Annotations: map[string]string{
				"deployment.kubernetes.io/desired-replicas": strconv.Itoa(rolloutOf(d.object.Spec).desired),
				"deployment.kubernetes.io/revision":         strconv.Itoa(rs.revision),
			},
			OwnerReferences: []metav1.OwnerReference{owner(appsv1.SchemeGroupVersion.String(), "Deployment", d.ref.Name, d.object.UID)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: &replicas, MinReadySeconds: d.object.Spec.MinReadySeconds, Selector: selector, Template: rs.template,
		},
	}
}

func (c *Core) replicaSetStatus(rs *replicaSet, minReadySeconds int32) *appsv1.ReplicaSetStatus {
	s := &appsv1.ReplicaSetStatus{ObservedGeneration: 1}
	for _, p := range rs.staying() {
		s.Replicas++
		s.FullyLabeledReplicas++
		if p.ready() {
			s.ReadyReplicas++
		}
		if c.available(p, minReadySeconds, false) {
			s.AvailableReplicas++
		}
	}
	return s
}

func owner(apiVersion, kind, name string, uid types.UID) metav1.OwnerReference {
	yes := true
	return metav1.OwnerReference{
		APIVersion: apiVersion, Kind: kind, Name: name, UID: uid, Controller: &yes, BlockOwnerDeletion: &yes,
	}
}

// timestamp is now as the API server keeps it, in whole seconds.
func (c *Core) timestamp() metav1.Time { return metav1.NewTime(c.now.UTC().Truncate(time.Second)) }
