package validate

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/store"
)

func objectName(ref store.Ref) string {
	if ref.Namespace == "" {
		return kind.Bare(ref.Kind) + " " + ref.Name
	}
	return kind.Bare(ref.Kind) + " " + ref.Namespace + "/" + ref.Name
}

// judge returns what is wrong with one object. Only kinds of load balancing count: what Pods lack shows in backends.
func (w *world) judge(e *store.Entry) []manifests.Problem {
	row, known := kind.Of(e.Ref.Kind)
	if !known || !row.Custom {
		return nil
	}
	var all []manifests.Problem
	if e.Ref.Kind == kind.Gateway && e.Written == nil {
		return []manifests.Problem{w.foreignGateway(e)}
	}
	if isRoute(e.Ref.Kind) {
		all = append(all, w.parents(e)...)
	}
	for _, c := range condition.Distinct(condition.Bad(statusOf(e))) {
		if aboutProxies(c) {
			continue
		}
		field := c.State()
		if c.Where != "" {
			field = c.Where + " " + field
		}
		all = append(all, problemOf(e, severityOf(c), field, c.Reason, c.Message))
	}
	return all
}

// aboutProxies says whether a condition waits for proxies, of which there are none here, or only sums others up.
func aboutProxies(c condition.Condition) bool {
	switch c.Type {
	case "Programmed", "Reconciled", "Ready", "networking.gke.io/GatewayHealthy":
		return true
	}
	return c.Reason == "Pending"
}

// severityOf is a warning for what serves all the same.
func severityOf(c condition.Condition) manifests.Severity {
	if c.Type == "OverlappingTLSConfig" || c.Type == "Conflict" {
		return manifests.Warning
	}
	return manifests.Error
}

func statusOf(e *store.Entry) map[string]any {
	if e.Written == nil || e.Written.Status == nil {
		return nil
	}
	return fieldsOf(e.Written.Status)
}

// fieldsOf is a typed value as JSON has it.
func fieldsOf(v any) map[string]any {
	var fields map[string]any
	b, err := json.Marshal(v)
	if err == nil {
		_ = json.Unmarshal(b, &fields) // what was just marshalled
	}
	return fields
}

// foreignGateway says why nobody looks after a Gateway.
func (w *world) foreignGateway(e *store.Entry) manifests.Problem {
	class, _ := dig(fieldsOf(e.Object), "spec", "gatewayClassName").(string)
	at := func(severity manifests.Severity, rule, message string) manifests.Problem {
		return problemOf(e, severity, "spec.gatewayClassName", rule, message)
	}
	ref := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.GatewayClass, Name: class}
	if w.snapshot.Get(ref) != nil {
		return at(manifests.Note, "OtherController", fmt.Sprintf("class %q is another controller's; Spillway leaves it alone", class))
	}
	if strings.HasPrefix(class, "gke-") {
		return at(manifests.Error, "NoSuchClass", fmt.Sprintf("there is no GatewayClass %q; `spillway get gatewayclasses` of a server lists them", class))
	}
	return at(manifests.Note, "OtherController", fmt.Sprintf("class %q is none of Spillway's, and no manifest defines it; Spillway leaves it alone", class))
}

func isRoute(ref string) bool {
	switch ref {
	case kind.HTTPRoute, kind.GRPCRoute, kind.TLSRoute, kind.TCPRoute, kind.UDPRoute:
		return true
	}
	return false
}

// parents tells of parents that no status speaks of: those that are not there, and those of other controllers.
func (w *world) parents(e *store.Entry) []manifests.Problem {
	refs, _ := dig(fieldsOf(e.Object), "spec", "parentRefs").([]any)
	var all []manifests.Problem
	if scope, _ := dig(fieldsOf(e.Object), "spec", "useDefaultGateways").(string); scope != "" && scope != "None" {
		all = append(all, problemOf(e, manifests.Warning, "spec.useDefaultGateways", "Unsupported", fmt.Sprintf(
			"useDefaultGateways %s is not supported and changes nothing: only Gateways that parentRefs names serve the route", scope)))
	}
	if len(refs) == 0 {
		return append(all, problemOf(e, manifests.Error, "spec.parentRefs", "NoParent", "the route names no parent, so nothing uses it"))
	}
	spoken, _ := dig(statusOf(e), "parents").([]any)
	for i, r := range refs {
		fields, _ := r.(map[string]any)
		gateway := store.Ref{Cluster: e.Ref.Cluster, Kind: kind.Gateway, Namespace: e.Ref.Namespace, Name: textOf(fields, "name")}
		if n := textOf(fields, "namespace"); n != "" {
			gateway.Namespace = n
		}
		field := fmt.Sprintf("spec.parentRefs[%d]", i)
		if k := textOf(fields, "kind"); k != "" && k != "Gateway" {
			if k != "ListenerSet" && k != "Service" { // the status speaks of those that are refused
				all = append(all, problemOf(e, manifests.Error, field+".kind", "NoSuchParent", fmt.Sprintf("no parent is of kind %q; use Gateway", k)))
			}
			continue
		}
		parent := w.snapshot.Get(gateway)
		switch {
		case parent == nil:
			all = append(all, problemOf(e, manifests.Error, field, "NoSuchParent", fmt.Sprintf("Gateway %s/%s is not there", gateway.Namespace, gateway.Name)))
		case parent.Written == nil:
			all = append(all, problemOf(e, manifests.Note, field, "OtherController", fmt.Sprintf("Gateway %s/%s is of no class of Spillway's", gateway.Namespace, gateway.Name)))
		case len(spoken) == 0 && e.Ref.Kind != kind.HTTPRoute && e.Ref.Kind != kind.GRPCRoute:
			all = append(all, problemOf(e, manifests.Error, field, "UnsupportedKind", "Spillway serves HTTPRoutes and GRPCRoutes; this route is not served"))
		}
	}
	return all
}

func dig(fields map[string]any, path ...string) any {
	var v any = fields
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

func textOf(fields map[string]any, name string) string {
	s, _ := fields[name].(string)
	return s
}
