package policy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	conditionAttached = "Attached"
	reasonAttached    = "Attached"
)

// outcome is whether a policy applies; pending: nobody knows yet.
type outcome struct {
	ok, pending     bool
	reason, message string
}

func attached() outcome { return outcome{ok: true, reason: reasonAttached} }

func invalid(message string) outcome {
	return outcome{reason: string(gatewayv1.PolicyReasonInvalid), message: message}
}

// note adds what users of an attached policy should know.
func (o *outcome) note(text string) {
	switch {
	case !o.ok || text == "":
	case o.message == "":
		o.message = text
	default:
		o.message += "; " + text
	}
}

// judge decides on a Google policy.
func judge[T store.Object](v *recompute.View, ref store.Ref, r networkingv1.PolicyTargetReference, of string, kinds ...string) outcome {
	name := fmt.Sprintf("%s %q", r.Kind, ref.Namespace+"/"+r.Name)
	if !slices.Contains(kinds, kindOf(r.Group, r.Kind)) {
		return invalid(fmt.Sprintf("a %s cannot target kind %q of group %q, only %s", kind.Bare(ref.Kind), r.Kind, r.Group, strings.Join(kinds, ", ")))
	}
	t, ok := targetOf(ref, r)
	if !ok {
		return invalid(fmt.Sprintf("a %s has to be in the namespace of its target, %q", kind.Bare(ref.Kind), *r.Namespace))
	}
	if !exists(v, t) {
		return outcome{reason: string(gatewayv1.PolicyReasonTargetNotFound), message: name + " not found"}
	}
	if first, _, _ := winner[T](v, of, t); first != ref {
		return outcome{
			reason:  string(gatewayv1.PolicyReasonConflicted),
			message: fmt.Sprintf("%s %q, which is older, already applies to %s", kind.Bare(ref.Kind), first.Namespace+"/"+first.Name, name),
		}
	}
	o := attached()
	o.note(unused(v, t, name))
	return o
}

// unused tells that no Gateway sends requests to a target yet: a policy on the Service where a multi-cluster Gateway uses
// the ServiceImport changes nothing, and neither does one in a cluster whose Gateways are not read.
func unused(v *recompute.View, t Target, name string) string {
	if t.Kind != Service && t.Kind != ServiceImport || len(v.First(tallyAncestors, t.key(), 1)) > 0 {
		return ""
	}
	return "no Gateway of cluster " + t.Cluster + " routes to " + name
}

func (o outcome) condition(generation int64) metav1.Condition {
	return metav1.Condition{
		Type: conditionAttached, Status: o.status(), ObservedGeneration: generation, Reason: o.reason, Message: o.message,
	}
}

func (o outcome) status() metav1.ConditionStatus {
	switch {
	case o.ok:
		return metav1.ConditionTrue
	case o.pending:
		return metav1.ConditionUnknown
	}
	return metav1.ConditionFalse
}

// writes are a policy's status and its events; nothing is said to have come out well before it has.
func (o outcome) writes(v *recompute.View, ref store.Ref, policy store.Object, status any) []recompute.Write {
	name := ref.Namespace + "/" + ref.Name
	add := recompute.Event{Type: "Normal", Reason: "ADD", Source: source(v, ref), Cause: string(policy.GetUID()), Message: name}
	out := []recompute.Write{
		{Ref: ref, Part: recompute.PartStatus, Value: status},
		{Ref: ref, Part: recompute.PartEvent, Key: "ADD", Value: add},
	}
	if o.pending {
		return out
	}
	sync := recompute.Event{
		Type: "Normal", Reason: "SYNC", Source: add.Source, Cause: fmt.Sprint(policy.GetGeneration(), o.reason),
		Message: fmt.Sprintf("Application of %s %q was a success", kind.Bare(ref.Kind), name),
	}
	if !o.ok {
		sync.Type, sync.Cause = "Warning", sync.Cause+o.message
		sync.Message = fmt.Sprintf("Application of %s %q failed: %s", kind.Bare(ref.Kind), name, o.message)
	}
	return append(out, recompute.Write{Ref: ref, Part: recompute.PartEvent, Key: "SYNC", Value: sync})
}

// source is the controller of a policy's events: the multi-cluster one reads the config cluster.
func source(v *recompute.View, ref store.Ref) string {
	f, ok, _ := recompute.Value[*fleet.Fleet](v, fleet.UnitMembers, "")
	if ok && len(f.Members) > 1 && f.ConfigCluster == ref.Cluster {
		return "mc-gateway-controller"
	}
	return "sc-gateway-controller"
}
