package trouble

import (
	"fmt"
	"reflect"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// parents are those of a route that no status speaks of, because statuses are written for our own Gateways only.
func parents(snapshot *store.Snapshot, e *store.Entry) []Trouble {
	spec := routeSpec(e.Object)
	if spec == nil {
		return nil
	}
	var all []Trouble
	if scope := spec.UseDefaultGateways; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		all = append(all, Trouble{Field: "spec.useDefaultGateways", Rule: "Unsupported", Severity: Warning, Text: fmt.Sprintf(
			"useDefaultGateways %s is not supported and changes nothing: only Gateways that parentRefs names serve the route", scope)})
	}
	if len(spec.ParentRefs) == 0 {
		return append(all, Trouble{
			Field: "spec.parentRefs", Rule: "NoParent", Severity: Error, Text: "the route names no parent, so nothing serves it",
		})
	}
	seen := map[string]bool{}
	for i := range spec.ParentRefs {
		t, ok := parent(snapshot, e, &spec.ParentRefs[i])
		if !ok || seen[t.Text] {
			continue
		}
		seen[t.Text] = true
		t.Field = fmt.Sprintf("spec.parentRefs[%d]%s", i, t.Field)
		all = append(all, t)
	}
	return all
}

// routeSpec is what routes of all kinds have in common, nil for other objects.
func routeSpec(o store.Object) *gatewayv1.CommonRouteSpec {
	v := reflect.Indirect(reflect.ValueOf(o))
	if v.Kind() != reflect.Struct {
		return nil
	}
	if v = v.FieldByName("Spec"); !v.IsValid() || v.Kind() != reflect.Struct {
		return nil
	}
	if v = v.FieldByName("CommonRouteSpec"); !v.IsValid() {
		return nil
	}
	spec, _ := v.Interface().(gatewayv1.CommonRouteSpec)
	return &spec
}

// parent is what is wrong with one reference; Field is relative to it.
func parent(snapshot *store.Snapshot, e *store.Entry, p *gatewayv1.ParentReference) (t Trouble, bad bool) {
	if p.Kind != nil && *p.Kind != "Gateway" {
		if *p.Kind == "ListenerSet" || *p.Kind == "Service" { // the status speaks of those that are refused
			return t, false
		}
		return Trouble{
			Field: ".kind", Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("no parent is of kind %q; use Gateway", *p.Kind),
		}, true
	}
	if p.Group != nil && *p.Group != kind.GroupGateway {
		return Trouble{
			Field: ".group", Rule: "NoSuchParent", Severity: Error,
			Text: fmt.Sprintf("there is no Gateway of group %q; use %s", *p.Group, kind.GroupGateway),
		}, true
	}
	gateway := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Gateway, Namespace: e.Ref.Namespace, Name: string(p.Name)}
	if p.Namespace != nil {
		gateway.Namespace = string(*p.Namespace)
	}
	name := gateway.Namespace + "/" + gateway.Name
	switch of := snapshot.Get(gateway); {
	case of == nil && snapshot.Get(store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Namespace, Name: gateway.Namespace}) == nil:
		return Trouble{
			Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("Gateway %q not found: there is no namespace %q", name, gateway.Namespace),
		}, true
	case of == nil || of.Object.GetDeletionTimestamp() != nil:
		return Trouble{Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("Gateway %q not found", name)}, true
	case of.Written == nil:
		return Trouble{Rule: "OtherController", Severity: Note, Text: fmt.Sprintf("Gateway %q is of no class of Spillway's", name)}, true
	case e.Ref.Kind != kind.HTTPRoute && e.Ref.Kind != kind.GRPCRoute:
		return Trouble{
			Rule: "UnsupportedKind", Severity: Error, Text: "Spillway serves HTTPRoutes and GRPCRoutes; this route is not served",
		}, true
	}
	return t, false
}
