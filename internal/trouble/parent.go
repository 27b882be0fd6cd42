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
	if set, ok := e.Object.(*gatewayv1.ListenerSet); ok {
		return parentOfSet(snapshot, e, set)
	}
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

// parentOfSet is what is wrong with the Gateway that a ListenerSet names.
func parentOfSet(snapshot *store.Snapshot, e *store.Entry, set *gatewayv1.ListenerSet) []Trouble {
	p := set.Spec.ParentRef
	ref := gatewayv1.ParentReference{Group: p.Group, Kind: p.Kind, Namespace: p.Namespace, Name: p.Name}
	t, bad := parent(snapshot, e, &ref)
	if p.Kind != nil && *p.Kind == "ListenerSet" {
		t, bad = noSuchKind(*p.Kind), true
	}
	if !bad {
		return nil
	}
	t.Field = "spec.parentRef" + t.Field
	return []Trouble{t}
}

func noSuchKind(kind gatewayv1.Kind) Trouble {
	return Trouble{
		Field: ".kind", Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("no parent is of kind %q; use Gateway", kind),
	}
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
	parentKind := gatewayv1.Kind("Gateway")
	if p.Kind != nil {
		parentKind = *p.Kind
	}
	switch parentKind {
	case "Gateway", "ListenerSet":
	case "Service": // of a mesh
		return t, false
	default:
		return noSuchKind(parentKind), true
	}
	if p.Group != nil && *p.Group != kind.GroupGateway {
		return Trouble{
			Field: ".group", Rule: "NoSuchParent", Severity: Error,
			Text: fmt.Sprintf("there is no %s of group %q; use %s", parentKind, *p.Group, kind.GroupGateway),
		}, true
	}
	ref := store.Ref{Cluster: e.Ref.Cluster, Kind: string(parentKind) + "." + kind.GroupGateway, Namespace: e.Ref.Namespace, Name: string(p.Name)}
	if p.Namespace != nil {
		ref.Namespace = string(*p.Namespace)
	}
	name := ref.Namespace + "/" + ref.Name
	switch of := snapshot.Get(ref); {
	case of == nil && snapshot.Get(store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Namespace, Name: ref.Namespace}) == nil:
		return Trouble{
			Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("%s %q not found: there is no namespace %q", parentKind, name, ref.Namespace),
		}, true
	case of == nil || of.Object.GetDeletionTimestamp() != nil:
		return Trouble{Rule: "NoSuchParent", Severity: Error, Text: fmt.Sprintf("%s %q not found", parentKind, name)}, true
	case of.Written == nil && (of.Ref.Kind != kind.Gateway || leftAlone(snapshot, of)):
		return Trouble{Rule: "OtherController", Severity: Note, Text: otherController(parentKind, name)}, true
	case e.Ref.Kind != kind.HTTPRoute && e.Ref.Kind != kind.GRPCRoute && e.Ref.Kind != kind.ListenerSet:
		return Trouble{
			Rule: "UnsupportedKind", Severity: Error, Text: "Spillway serves HTTPRoutes and GRPCRoutes; this route is not served",
		}, true
	}
	return t, false
}

func otherController(parent gatewayv1.Kind, name string) string {
	if parent == "ListenerSet" {
		return fmt.Sprintf("ListenerSet %q belongs to no Gateway of Spillway's", name)
	}
	return fmt.Sprintf("Gateway %q is of no class of Spillway's", name)
}
