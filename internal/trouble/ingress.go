package trouble

import (
	"encoding/json"
	"fmt"

	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// ingressProblems is the annotation in which package ingress says what is not as it is written.
const ingressProblems = "ingress.spillway.dev/problems"

// ingress reads what is said of an Ingress, which has no conditions.
func ingress(snapshot *store.Snapshot, e *store.Entry) []Trouble {
	if e.Written == nil {
		return []Trouble{foreignIngress(snapshot, e)}
	}
	var problems []struct{ Reason, Field, Message string }
	// What package ingress marshalled; an Ingress without problems has no annotation.
	_ = json.Unmarshal([]byte(e.Written.Annotations[ingressProblems]), &problems)
	var all []Trouble
	for _, p := range problems {
		severity := Error
		if p.Reason == "RuleOverwritten" || p.Reason == "Unsupported" {
			severity = Warning
		}
		all = append(all, Trouble{Field: p.Field, Rule: p.Reason, Text: p.Message, Severity: severity})
	}
	return all
}

// foreignIngress says why nobody looks after an Ingress.
func foreignIngress(snapshot *store.Snapshot, e *store.Entry) Trouble {
	in, ok := e.Object.(*ingressv1.Ingress)
	if !ok {
		return Trouble{}
	}
	t := Trouble{Field: "spec.ingressClassName", Rule: "OtherController", Severity: Note}
	class := in.Annotations["kubernetes.io/ingress.class"]
	switch {
	case class != "":
		t.Field = "metadata.annotations[kubernetes.io/ingress.class]"
	case in.Spec.IngressClassName != nil:
		class = *in.Spec.IngressClassName
	}
	switch {
	case snapshot.Get(store.Ref{Cluster: e.Ref.Cluster, Kind: kind.IngressClass, Name: class}) != nil:
		t.Text = fmt.Sprintf("class %q is another controller's; Spillway leaves the Ingress alone", class)
	default:
		t.Severity = Warning
		t.Text = fmt.Sprintf("class %q is none of Spillway's, and no IngressClass of the name has the controller spillway.dev/ingress, so the Ingress is left alone; "+
			"Ingresses with the annotation kubernetes.io/ingress.class: gce or gce-internal are served, and those with neither annotation nor class", class)
	}
	return t
}
