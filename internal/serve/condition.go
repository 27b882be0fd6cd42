package serve

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// wantedTrue are the conditions that an object in order has, in the order of what explains most: of one listener or
// parent only the first that is not met is told.
var wantedTrue = []string{"Accepted", "Attached", "Valid", "ResolvedRefs", "Programmed", "Reconciled"}

// wantedFalse are those that it has not.
var wantedFalse = []string{"PartiallyInvalid", "Conflict", "Conflicted"}

// troublesOf says in a line each what is not in order about an object, by its conditions.
func troublesOf(snapshot *store.Snapshot, e *store.Entry) []string {
	var lines []string
	told := map[string]bool{}
	walkConditions(reflect.ValueOf(statusOf(e)), "", func(of string, all []metav1.Condition) {
		line, message := troubleOf(of, all)
		if line != "" && (message == "" || !told[message]) {
			lines = append(lines, line)
		}
		told[message] = true
	})
	switch o := e.Object.(type) {
	case *corev1.Pod:
		return podTroubles(statusOf(e))
	case *gatewayv1.Gateway:
		if e.Written == nil {
			return []string{fmt.Sprintf("gatewayClassName %s is no class of Spillway's; nothing serves it", o.Spec.GatewayClassName)}
		}
	case *gatewayv1.HTTPRoute:
		return append(lines, parentTroubles(snapshot, e, &o.Spec.CommonRouteSpec)...)
	case *gatewayv1.GRPCRoute:
		return append(lines, parentTroubles(snapshot, e, &o.Spec.CommonRouteSpec)...)
	}
	return lines
}

// statusOf is what controllers wrote, or the status that the object came with.
func statusOf(e *store.Entry) any {
	if e.Written != nil && e.Written.Status != nil {
		return e.Written.Status
	}
	if v := reflect.Indirect(reflect.ValueOf(e.Object)); v.Kind() == reflect.Struct {
		if status := v.FieldByName("Status"); status.IsValid() {
			return status.Interface()
		}
	}
	return nil
}

// walkConditions finds the lists of conditions in a status; of says what they are about: a listener, parent or ancestor.
func walkConditions(v reflect.Value, of string, found func(of string, all []metav1.Condition)) {
	v = reflect.Indirect(v)
	if v.Kind() != reflect.Struct {
		return
	}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		field := v.Field(i)
		if conditions, ok := field.Interface().([]metav1.Condition); ok {
			found(of, conditions)
			continue
		}
		if field.Kind() == reflect.Struct {
			walkConditions(field, of, found)
		}
		if field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct {
			for j := range field.Len() {
				walkConditions(field.Index(j), aboutOf(field.Index(j)), found)
			}
		}
	}
}

// aboutOf names an entry of a status: listener NAME, or its parent or ancestor.
func aboutOf(v reflect.Value) string {
	switch entry := v.Interface().(type) {
	case gatewayv1.ListenerStatus:
		return "listener " + string(entry.Name)
	case gatewayv1.RouteParentStatus:
		return parentText(entry.ParentRef)
	case gatewayv1.PolicyAncestorStatus:
		return parentText(entry.AncestorRef)
	}
	return ""
}

func parentText(p gatewayv1.ParentReference) string {
	text := "Gateway"
	if p.Kind != nil {
		text = string(*p.Kind)
	}
	text += " " + string(p.Name)
	if p.SectionName != nil {
		text += ", listener " + string(*p.SectionName)
	}
	return text
}

// troubleOf is the line about the first condition that is not as wanted, and its message; "" if all are.
func troubleOf(of string, all []metav1.Condition) (line, message string) {
	find := func(name string, bad func(metav1.Condition) bool) *metav1.Condition {
		i := slices.IndexFunc(all, func(c metav1.Condition) bool { return c.Type == name && bad(c) })
		if i < 0 {
			return nil
		}
		return &all[i]
	}
	var c *metav1.Condition
	for _, name := range wantedTrue {
		c = cmp.Or(c, find(name, func(c metav1.Condition) bool { return c.Status != metav1.ConditionTrue }))
	}
	for _, name := range wantedFalse {
		c = cmp.Or(c, find(name, func(c metav1.Condition) bool { return c.Status == metav1.ConditionTrue }))
	}
	if c == nil {
		return "", ""
	}
	line = fmt.Sprintf("%s=%s %s", c.Type, c.Status, c.Reason)
	if of != "" {
		line = of + ": " + line
	}
	if c.Message != "" {
		line += ": " + c.Message
	}
	return line, c.Message
}

// podTroubles are why containers of a Pod do not start; one that is about to is in order.
func podTroubles(status any) []string {
	var of *corev1.PodStatus
	switch s := status.(type) {
	case *corev1.PodStatus:
		of = s
	case corev1.PodStatus:
		of = &s
	default:
		return nil
	}
	var lines []string
	for _, c := range of.ContainerStatuses {
		if w := c.State.Waiting; w != nil && (strings.HasPrefix(w.Reason, "Err") || strings.Contains(w.Reason, "BackOff") || strings.HasSuffix(w.Reason, "Error")) {
			lines = append(lines, fmt.Sprintf("container %s: %s: %s", c.Name, w.Reason, w.Message))
		}
	}
	return lines
}

// parentTroubles are the parents of a route that no controller here answers for: statuses are written for others only.
func parentTroubles(snapshot *store.Snapshot, e *store.Entry, spec *gatewayv1.CommonRouteSpec) []string {
	answered := map[string]bool{}
	switch status := statusOf(e).(type) {
	case *gatewayv1.HTTPRouteStatus:
		for _, p := range status.Parents {
			answered[parentKey(p.ParentRef, e.Ref.Namespace)] = true
		}
	case *gatewayv1.GRPCRouteStatus:
		for _, p := range status.Parents {
			answered[parentKey(p.ParentRef, e.Ref.Namespace)] = true
		}
	}
	var lines []string
	if scope := spec.UseDefaultGateways; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		lines = append(lines, fmt.Sprintf("useDefaultGateways %s is not supported and changes nothing", scope))
	}
	if len(spec.ParentRefs) == 0 {
		lines = append(lines, "the route names no parent, so nothing serves it")
	}
	for _, p := range spec.ParentRefs {
		if answered[parentKey(p, e.Ref.Namespace)] {
			continue
		}
		if p.Kind != nil && *p.Kind != "Gateway" {
			if *p.Kind != "ListenerSet" && *p.Kind != "Service" {
				lines = append(lines, fmt.Sprintf("parent %s: no parent is of kind %q; use Gateway", p.Name, *p.Kind))
			}
			continue
		}
		namespace := e.Ref.Namespace
		if p.Namespace != nil {
			namespace = string(*p.Namespace)
		}
		why := "does not exist"
		if snapshot.Get(store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Gateway, Namespace: namespace, Name: string(p.Name)}) != nil {
			why = "is of no class of Spillway's"
		}
		if line := fmt.Sprintf("parent Gateway %s/%s %s", namespace, p.Name, why); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func parentKey(p gatewayv1.ParentReference, namespace string) string {
	if p.Namespace != nil {
		namespace = string(*p.Namespace)
	}
	return namespace + "/" + string(p.Name)
}
