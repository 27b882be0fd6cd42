package trouble

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/store"
)

// groupsAsked is what is wrong with the network endpoint groups that a Service asks for.
func groupsAsked(snapshot *store.Snapshot, e *store.Entry, service *corev1.Service) []Trouble {
	field := "metadata.annotations[" + annotation.Name + "]"
	asked, _, err := annotation.Ask(service)
	if err != nil {
		return []Trouble{{Field: field, Rule: "InvalidNEGAnnotation", Severity: Error, Text: err.Error()}}
	}
	var all []Trouble
	for _, port := range slices.Sorted(maps.Keys(asked.Exposed)) {
		name := asked.Exposed[port].Name
		if owner, taken := ownerOf(snapshot, e, service, name); name != "" && taken {
			all = append(all, Trouble{Field: field, Rule: "NEGNameConflict", Severity: Error, Text: fmt.Sprintf(
				"the network endpoint group %q belongs to Service %s/%s, which asked for it first; port %d needs another name", name, owner.Namespace, owner.Name, port)})
		}
	}
	return all
}

// ownerOf is another Service that asks for a name, and comes first: it is older, or before it in order of cluster, namespace and name.
func ownerOf(snapshot *store.Snapshot, e *store.Entry, service *corev1.Service, name string) (owner store.Ref, taken bool) {
	if name == "" {
		return owner, false
	}
	snapshot.Walk(kind.Service, "", "", func(other *store.Entry) bool {
		o, ok := other.Object.(*corev1.Service)
		if !ok || other.Ref == e.Ref || !comesFirst(other.Ref, o, e.Ref, service) {
			return true
		}
		asked, _, err := annotation.Ask(o)
		if err != nil {
			return true
		}
		for _, exposed := range asked.Exposed {
			if exposed.Name == name {
				owner, taken = other.Ref, true
			}
		}
		return !taken
	})
	return owner, taken
}

func comesFirst(a store.Ref, one *corev1.Service, b store.Ref, other *corev1.Service) bool {
	return cmp.Or(
		one.CreationTimestamp.Truncate(time.Second).Compare(other.CreationTimestamp.Truncate(time.Second)),
		cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name),
	) < 0
}
