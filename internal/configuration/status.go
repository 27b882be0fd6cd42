package configuration

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// translateStatus says which settings name what does not exist, cannot be read, or cannot be obeyed. A Configuration without such settings has no status.
func translateStatus(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	c, ok := recompute.Get[*spillwayv1alpha1.Configuration](v, ref)
	if !ok || len(c.Spec.Frontends)+len(c.Spec.Backends)+len(c.Spec.GoogleAPIs) == 0 {
		return recompute.Result{}
	}
	condition := metav1.Condition{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted", ObservedGeneration: c.Generation}
	invalid, missing := apiProblems(v, &c.Spec)
	missing = append(missingTargets(v, &c.Spec), missing...)
	unread := unreadDatabases(v, &c.Spec)
	if problems := slices.Concat(invalid, missing, unread); len(problems) > 0 {
		condition.Status = metav1.ConditionFalse
		switch {
		case len(invalid) > 0:
			condition.Reason = "Invalid"
		case len(missing) > 0:
			condition.Reason = "TargetNotFound"
		default:
			condition.Reason = "GeoDatabaseUnreadable"
		}
		condition.Message = strings.Join(problems, "; ") + "; the other settings apply"
	}
	return recompute.Result{State: recompute.Present, Writes: []recompute.Write{{
		Ref: ref, Part: recompute.PartStatus, Value: &spillwayv1alpha1.ConfigurationStatus{Conditions: []metav1.Condition{condition}},
	}}}
}

func missingTargets(v *recompute.View, spec *spillwayv1alpha1.ConfigurationSpec) []string {
	var missing []string
	for i, f := range spec.Frontends {
		field := fmt.Sprintf("spec.frontends[%d]", i)
		if !exists(v, f.Gateway, kind.Gateway) {
			missing = append(missing, field+".gateway: "+text("Gateway", f.Gateway)+" not found")
		}
		if f.GatewayClassName != "" && !isUsed(v, f.GatewayClassName) {
			missing = append(missing, fmt.Sprintf("%s.gatewayClassName: no Gateway is of class %q", field, f.GatewayClassName))
		}
	}
	for i, b := range spec.Backends {
		if !exists(v, b.Service, kind.Service) && !isImported(v, b.Service) {
			missing = append(missing, fmt.Sprintf("spec.backends[%d].service: %s not found", i, text("Service", b.Service)))
		}
	}
	return missing
}

// unreadDatabases are the geo databases that proxies cannot read.
func unreadDatabases(v *recompute.View, spec *spillwayv1alpha1.ConfigurationSpec) (problems []string) {
	for i, f := range spec.Frontends {
		if f.GeoDatabase == "" {
			continue
		}
		if why, ok := recompute.Fact[string](v, fact.GeoDatabase(f.GeoDatabase)); ok {
			problems = append(problems, fmt.Sprintf("spec.frontends[%d].geoDatabase: %s cannot be read: %s", i, f.GeoDatabase, why))
		}
	}
	return problems
}

// exists tells whether a member has what a selector names; one that names nothing is content with nothing.
func exists(v *recompute.View, s *spillwayv1alpha1.ObjectSelector, of string) bool {
	if s == nil || s.Cluster == "" && s.Name == "" {
		return true
	}
	return slices.ContainsFunc(v.List(kind.Cluster, "", ""), func(cluster store.Ref) bool {
		return (s.Cluster == "" || s.Cluster == cluster.Name) && (s.Name == "" ||
			finalizer.There(v, store.Ref{Cluster: cluster.Name, Kind: of, Namespace: s.Namespace, Name: s.Name}))
	})
}

func isUsed(v *recompute.View, class string) bool {
	return slices.ContainsFunc(v.List(kind.Gateway, "", ""), func(ref store.Ref) bool {
		gw, ok := recompute.Get[*gatewayv1.Gateway](v, ref)
		return ok && !finalizer.Deleted(gw) && string(gw.Spec.GatewayClassName) == class
	})
}

func isImported(v *recompute.View, s *spillwayv1alpha1.ObjectSelector) bool {
	if s.Name == "" {
		return false
	}
	_, ok, held := recompute.Value[*fleet.Import](v, fleet.UnitImport, fleet.ImportKey(s.Namespace, s.Name))
	return ok || held
}

func text(kind string, s *spillwayv1alpha1.ObjectSelector) string {
	if s.Name == "" {
		return fmt.Sprintf("cluster %q", s.Cluster)
	}
	name := fmt.Sprintf("%s %q", kind, s.Namespace+"/"+s.Name)
	if s.Cluster != "" {
		name += " of cluster " + s.Cluster
	}
	return name
}
