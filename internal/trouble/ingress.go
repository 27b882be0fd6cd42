package trouble

import (
	"cmp"
	"fmt"

	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// ingress reads what is said of an Ingress, which has no conditions.
func ingress(snapshot *store.Snapshot, e *store.Entry) []Trouble {
	in, ok := e.Object.(*ingressv1.Ingress)
	if !ok {
		return nil
	}
	if _, ours := object.ClassOf(object.InSnapshot(snapshot), e.Ref.Cluster, in); !ours {
		if fact.Pending(snapshot, e.Ref.Cluster, kind.IngressClass) {
			return nil
		}
		return []Trouble{foreignIngress(snapshot, e.Ref.Cluster, in)}
	}
	if e.Written == nil {
		return nil // nothing is known of it yet
	}
	var all []Trouble
	for _, p := range object.ProblemsOf(e.Written.Annotations) {
		severity := Error
		if p.Harmless() {
			severity = Warning
		}
		all = append(all, Trouble{Field: p.Field, Rule: p.Reason, Text: p.Message, Severity: severity})
	}
	return all
}

// foreignIngress says why nobody looks after an Ingress.
func foreignIngress(snapshot *store.Snapshot, cluster string, in *ingressv1.Ingress) Trouble {
	class, field := object.Class(in)
	t := Trouble{Field: cmp.Or(field, object.FieldClassName), Rule: "OtherController", Severity: Note}
	switch {
	case snapshot.Get(store.Ref{Cluster: cluster, Kind: kind.IngressClass, Name: class}) != nil:
		t.Text = fmt.Sprintf("class %q is another controller's; Spillway leaves the Ingress alone", class)
	default:
		t.Severity = Warning
		t.Text = fmt.Sprintf("class %q is none of Spillway's, and no IngressClass of the name has the controller %s, so the Ingress is left alone; "+
			"Ingresses with the annotation kubernetes.io/ingress.class: gce or gce-internal are served, and those with neither annotation nor class", class, object.Controller)
	}
	return t
}
