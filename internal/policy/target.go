package policy

import (
	"cmp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// Kinds of targets.
const (
	Service       = "Service"
	ServiceImport = "ServiceImport"
	ServiceExport = "ServiceExport"
	Gateway       = "Gateway"
)

// Target is what a policy applies to.
type Target struct {
	Cluster   string
	Kind      string
	Namespace string
	Name      string
}

func (t Target) key() string {
	return unitkey.Join(t.Cluster, t.Kind, t.Namespace, t.Name)
}

// kindOf returns the kind of a target of which policies know the group, "" for others.
func kindOf(group, kind string) string {
	switch group + "/" + kind {
	case "/Service":
		return Service
	case "net.gke.io/ServiceImport", "multicluster.x-k8s.io/ServiceImport":
		return ServiceImport
	case "net.gke.io/ServiceExport", "multicluster.x-k8s.io/ServiceExport":
		return ServiceExport
	case "gateway.networking.k8s.io/Gateway":
		return Gateway
	}
	return ""
}

// targetOf reads a Google policy's reference. A target of another namespace is none.
func targetOf(policy store.Ref, r networkingv1.PolicyTargetReference) (Target, bool) {
	kind := kindOf(r.Group, r.Kind)
	if kind == "" || r.Namespace != nil && *r.Namespace != "" && *r.Namespace != policy.Namespace {
		return Target{}, false
	}
	return Target{Cluster: policy.Cluster, Kind: kind, Namespace: policy.Namespace, Name: r.Name}, true
}

// oneTarget is the target of a policy that can name one only.
func oneTarget(policy store.Ref, r networkingv1.PolicyTargetReference) []Target {
	if t, ok := targetOf(policy, r); ok {
		return []Target{t}
	}
	return nil
}

// exists tells whether a target is there.
func exists(v *recompute.View, t Target) bool {
	ref := store.Ref{Cluster: t.Cluster, Namespace: t.Namespace, Name: t.Name}
	switch t.Kind {
	case Service:
		ref.Kind = kind.Service
		return v.Get(ref) != nil
	case ServiceImport:
		_, ok, held := recompute.Value[*fleet.Import](v, fleet.UnitImport, fleet.ImportKey(t.Namespace, t.Name))
		return ok || held
	case ServiceExport:
		ref.Kind = kind.ServiceExport
		if v.Get(ref) != nil {
			return true
		}
		ref.Kind = kind.MCSServiceExport
		return v.Get(ref) != nil
	case Gateway:
		ref.Kind = kind.Gateway
		return finalizer.There(v, ref)
	}
	return false
}

// hasPort tells whether a target has a port of a name.
func hasPort(v *recompute.View, t Target, name string) bool {
	if t.Kind == ServiceImport {
		imported, ok, held := recompute.Value[*fleet.Import](v, fleet.UnitImport, fleet.ImportKey(t.Namespace, t.Name))
		return held || ok && slices.ContainsFunc(imported.Ports, func(p fleet.Port) bool { return p.Name == name })
	}
	service, ok := recompute.Get[*corev1.Service](v, store.Ref{Cluster: t.Cluster, Kind: "Service", Namespace: t.Namespace, Name: t.Name})
	return ok && slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == name })
}

// winner returns the policy of a kind that applies to a target: the oldest, of equally old ones the first by name.
func winner[T store.Object](v *recompute.View, kind string, t Target) (ref store.Ref, policy T, ok bool) {
	type candidate struct {
		ref    store.Ref
		policy T
	}
	var all []candidate
	for _, r := range v.Index(index(kind), t.key()) {
		if p, found := recompute.Get[T](v, r); found {
			all = append(all, candidate{r, p})
		}
	}
	if len(all) == 0 {
		return ref, policy, false
	}
	first := slices.MinFunc(all, func(a, b candidate) int {
		return cmp.Or(
			a.policy.GetCreationTimestamp().Compare(b.policy.GetCreationTimestamp().Time),
			strings.Compare(a.ref.Name, b.ref.Name),
		)
	})
	return first.ref, first.policy, true
}
