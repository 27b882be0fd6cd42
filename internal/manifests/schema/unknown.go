package schema

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// unknownKind weighs kinds that Spillway does not read. A kind that its group does not have at all is an error: most likely a
// misspelt or half-written name. So is the old form of a kind that is read. A kind whose absence changes no answer is a note.
func (r *Registry) unknownKind(gvk schema.GroupVersionKind) document.Violation {
	name := strings.TrimSuffix(gvk.GroupKind().String(), ".")
	v := document.Violation{
		Path: "kind", Rule: RuleUnknownKind, Warning: true,
		Message: fmt.Sprintf("%s is no kind that Spillway reads; ignored", name),
	}
	if others, whole := wholeGroups()[gvk.Group]; whole && !slices.Contains(others, gvk.Kind) {
		v.Warning = false
		v.Message = fmt.Sprintf("no matches for kind %q in version %q", gvk.Kind, gvk.GroupVersion())
	}
	switch use, home := r.successor(gvk.GroupKind()), r.home(gvk.GroupKind()); {
	case home != "":
		v.Path, v.Warning = "apiVersion", false
		v.Message = fmt.Sprintf("there is no %s in %s; use %s", gvk.Kind, gvk.GroupVersion(), home)
	case use != "":
		v.Path, v.Warning = "apiVersion", false
		v.Message = fmt.Sprintf("%s is the old name of the API; use %s", gvk.GroupVersion(), use)
	case harmless(gvk.GroupKind()):
		v.Note = true
		v.Message = fmt.Sprintf("%s is not read, which changes no answer", name)
	case shapesAnswers(gvk.GroupKind()):
		v.Message = fmt.Sprintf("%s is no kind that Spillway reads, and what it asks for is not done", name)
	}
	return v
}

// successor is the apiVersion to use for a kind of a group that has been renamed, "" for others.
func (r *Registry) successor(gk schema.GroupKind) string {
	groups := map[string][]string{
		"networking.x-k8s.io": {kind.GroupGateway}, "extensions": {kind.GroupApps, kind.GroupNetworking},
	}[gk.Group]
	for _, group := range groups {
		if k := r.kinds[schema.GroupKind{Group: group, Kind: gk.Kind}]; k != nil {
			return k.APIVersion()
		}
	}
	return ""
}

// home is the apiVersion of a kind that stands under a group of Kubernetes' or Google's that has none of the name, "" for
// others: whoever wrote it meant the one that there is.
func (r *Registry) home(gk schema.GroupKind) string {
	official := slices.ContainsFunc([]string{"k8s.io", "gke.io", "cloud.google.com"}, func(domain string) bool {
		return gk.Group == domain || strings.HasSuffix(gk.Group, "."+domain)
	})
	if !official && gk.Group != "" && gk.Group != kind.GroupApps || r.successor(gk) != "" || slices.Contains(wholeGroups()[gk.Group], gk.Kind) {
		return ""
	}
	for _, known := range kind.All() {
		if known.Name != gk.Kind || known.Derived {
			continue
		}
		if k := r.kinds[schema.GroupKind{Group: known.Group, Kind: known.Name}]; k != nil {
			return k.APIVersion()
		}
	}
	return ""
}

// shapesAnswers knows kinds by which clients would get other answers: they make endpoints, addresses or routes.
func shapesAnswers(gk schema.GroupKind) bool {
	switch gk.Group {
	case "":
		return slices.Contains([]string{"ReplicationController", "Endpoints"}, gk.Kind)
	case "cloud.google.com", "networking.gke.io", "extensions.istio.io", "networking.istio.io", "gateway.envoyproxy.io", "traefik.io":
		return true
	}
	return false
}

// harmless knows kinds without which every request has the same answer.
func harmless(gk schema.GroupKind) bool {
	switch gk.Group {
	case "autoscaling", "autoscaling.k8s.io", "policy", "rbac.authorization.k8s.io", "storage.k8s.io", "scheduling.k8s.io", "monitoring.coreos.com",
		"monitoring.googleapis.com", "apiextensions.k8s.io", "coordination.k8s.io", "events.k8s.io", "admissionregistration.k8s.io",
		"kustomize.config.k8s.io":
		return true
	case "":
		return slices.Contains([]string{"Event", "LimitRange", "PersistentVolume", "PersistentVolumeClaim", "ResourceQuota", "PodTemplate"}, gk.Kind)
	case "batch":
		return true
	}
	return false
}
