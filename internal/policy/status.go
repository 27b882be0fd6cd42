package policy

import (
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	conditionAttached = "Attached"
	reasonAttached    = "Attached"
)

// outcome is whether a policy applies.
type outcome struct {
	ok              bool
	reason, message string
}

func attached() outcome { return outcome{ok: true, reason: reasonAttached} }

// judge decides on a Google policy.
func judge[T store.Object](v *recompute.View, ref store.Ref, r networkingv1.PolicyTargetReference, index string, kinds ...string) outcome {
	name := fmt.Sprintf("%s %q", r.Kind, ref.Namespace+"/"+r.Name)
	t, ok := targetOf(ref, r)
	if !ok || !slices.Contains(kinds, t.Kind) {
		return outcome{reason: string(gatewayv1.PolicyReasonInvalid), message: fmt.Sprintf(
			"a %s cannot target kind %q of group %q, or another namespace", kindName(ref), r.Kind, r.Group)}
	}
	if !exists(v, t) {
		return outcome{reason: string(gatewayv1.PolicyReasonTargetNotFound), message: name + " not found"}
	}
	if first, _, _ := winner[T](v, index, t); first != ref {
		return outcome{
			reason:  string(gatewayv1.PolicyReasonConflicted),
			message: fmt.Sprintf("%s %q, which is older, already applies to %s", kindName(ref), first.Namespace+"/"+first.Name, name),
		}
	}
	return attached()
}

func (o outcome) condition(generation int64) metav1.Condition {
	c := metav1.Condition{
		Type: conditionAttached, Status: metav1.ConditionFalse, ObservedGeneration: generation, Reason: o.reason, Message: o.message,
	}
	if o.ok {
		c.Status = metav1.ConditionTrue
	}
	return c
}

// writes are a policy's status and its event.
func (o outcome) writes(v *recompute.View, ref store.Ref, generation int64, status any) []recompute.Write {
	event := recompute.Event{
		Type: "Normal", Reason: "SYNC", Source: source(v, ref), Cause: fmt.Sprint(generation, o.reason, o.message),
		Message: fmt.Sprintf("Application of %s %q was a success", kindName(ref), ref.Namespace+"/"+ref.Name),
	}
	if !o.ok {
		event.Type = "Warning"
		event.Message = fmt.Sprintf("Application of %s %q failed: %s", kindName(ref), ref.Namespace+"/"+ref.Name, o.message)
	}
	return []recompute.Write{
		{Ref: ref, Part: recompute.PartStatus, Value: status},
		{Ref: ref, Part: recompute.PartEvent, Key: "SYNC", Value: event},
	}
}

// source is the controller of a policy's events: the multi-cluster one reads the config cluster.
func source(v *recompute.View, ref store.Ref) string {
	f, ok, _ := recompute.Value[*fleet.Fleet](v, fleet.UnitMembers, "")
	if ok && len(f.Members) > 1 && f.ConfigCluster == ref.Cluster {
		return "mc-gateway-controller"
	}
	return "sc-gateway-controller"
}

func kindName(ref store.Ref) string {
	for i, c := range ref.Kind {
		if c == '.' {
			return ref.Kind[:i]
		}
	}
	return ref.Kind
}
