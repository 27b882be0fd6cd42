package ingress

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/finalizer"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/neg"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// plan is what an Ingress asks for.
type plan struct {
	Scope scope.Scope
	Class string
	// UID is the cluster's, by which resources are named.
	UID string
	// Default gets what no rule matches.
	Default target
	Rules   []rule
	// HTTP: requests without TLS are served.
	HTTP bool
	// Redirect is the status that they get, all of them, if there is TLS; 0 is none.
	Redirect uint32
	// Address is the name of a reserved address, or "".
	Address string
	// Secrets are the names of those with certificates.
	Secrets []string
	// Managed are those of them that ManagedCertificates alone are named for.
	Managed []string
	// SSLPolicy is the name of one, or "".
	SSLPolicy string
	Problems  []problem
	// Waits: not all that it names is listed, and what an earlier process knew of that counts.
	Waits bool
}

// names are those of the Ingress' resources.
func (p *plan) names(ref store.Ref) names.Ingress {
	return names.ForIngress(p.UID, ref.Namespace, ref.Name)
}

// rule is a path of a host.
type rule struct {
	Host string
	Path path
	To   target
	// Rule and Index are its place in the Ingress.
	Rule, Index int
}

// target is a backend as it was found.
type target struct {
	// Namespace is "" for the Ingress' own.
	Namespace string
	// Service and Port are where requests go; Port 0 is nowhere.
	Service string
	Port    int32
	// Unset: the Ingress names none.
	Unset bool
}

// key is that of the backend service.
func (t target) key(p *plan, namespace string) backend.Key {
	return backend.Key{
		Scope: p.Scope, Namespace: cmp.Or(t.Namespace, namespace), Name: t.Service, Port: t.Port, Ingress: true, Naming: backend.GroupNames,
	}
}

// planOf reads the plan of an Ingress. ok is false if it is not there or not ours; held, that the reader must hold.
func planOf(v *recompute.View, ref string) (p *plan, ok, held bool) {
	return recompute.Value[*plan](v, unitPlan, ref)
}

func translatePlan(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	in, ok := recompute.Get[*ingressv1.Ingress](v, ref)
	if !ok {
		return heldOrAbsent(fact.Pending(v, ref.Cluster, kind.Ingress))
	}
	if finalizer.Deleted(in) {
		return recompute.Result{}
	}
	if fact.Pending(v, ref.Cluster, kind.ConfigMap) {
		return recompute.Result{State: recompute.Held} // one has the cluster's UID, and with it the names of all that is made
	}
	r := reader{view: v, ref: ref, object: in, plan: &plan{HTTP: true, Default: target{Unset: true}}}
	class, ok := object.ClassOf(r.get, ref.Cluster, in)
	if !ok {
		return recompute.Result{}
	}
	r.plan.Scope = scope.Scope{Cluster: ref.Cluster, Scheme: schemeOf(class)}
	r.plan.Class, r.plan.UID = class, neg.ClusterUID(v, ref.Cluster)
	if class == object.ClassInternal {
		r.plan.Scope.Region = fleet.MemberOf(v, ref.Cluster).Region
	}
	r.readBackends()
	r.readAnnotations()
	return recompute.Result{State: recompute.Present, Value: r.plan}
}

func schemeOf(class string) lbv1.LoadBalancingScheme {
	if class == object.ClassInternal {
		return lbv1.LoadBalancingScheme_INTERNAL_MANAGED
	}
	return lbv1.LoadBalancingScheme_EXTERNAL
}

// reader makes the plan of one Ingress.
type reader struct {
	view   *recompute.View
	ref    store.Ref
	object *ingressv1.Ingress
	plan   *plan
}

func (r *reader) say(reason, field, format string, args ...any) {
	r.plan.Problems = append(r.plan.Problems, problem{Reason: reason, Field: field, Message: fmt.Sprintf(format, args...)})
}

// readBackends reads the default backend and the rules. A rule whose host an earlier one has replaces that one wholly, and
// so does a path.
func (r *reader) readBackends() {
	spec := &r.object.Spec
	if spec.DefaultBackend != nil {
		r.plan.Default = r.target(spec.DefaultBackend, "spec.defaultBackend")
	} else {
		r.plan.Default = r.systemDefault()
	}
	last := map[string]int{}
	for i := range spec.Rules {
		if spec.Rules[i].HTTP == nil {
			continue
		}
		host := hostOf(&spec.Rules[i])
		if earlier, again := last[host]; again {
			r.say(object.ReasonOverwritten, fmt.Sprintf("spec.rules[%d].host", earlier),
				"host %q is also that of rules[%d], which replaces this one wholly", host, i)
		}
		last[host] = i
	}
	for i := range spec.Rules {
		if http := spec.Rules[i].HTTP; http != nil && last[hostOf(&spec.Rules[i])] == i {
			r.readPaths(i, hostOf(&spec.Rules[i]), http.Paths)
		}
	}
}

func hostOf(r *ingressv1.IngressRule) string {
	if r.Host == "" {
		return anyHost
	}
	return strings.ToLower(r.Host)
}

// anyHost is the host of rules that name none.
const anyHost = "*"

func (r *reader) readPaths(index int, host string, paths []ingressv1.HTTPIngressPath) {
	at := map[path]int{}
	for i := range paths {
		field := fmt.Sprintf("spec.rules[%d].http.paths[%d]", index, i)
		p, err := readPath(paths[i].Path, paths[i].PathType)
		if err != nil {
			r.say(object.ReasonTranslate, field+".path", "%v", err)
			continue
		}
		next := rule{Host: host, Path: p, To: r.target(&paths[i].Backend, field+".backend"), Rule: index, Index: i}
		if before, again := at[p]; again {
			r.say(object.ReasonOverwritten, fmt.Sprintf("spec.rules[%d].http.paths[%d]", index, r.plan.Rules[before].Index),
				"path %q is also that of paths[%d], which replaces this one", paths[i].Path, i)
			r.plan.Rules[before] = next
			continue
		}
		at[p] = len(r.plan.Rules)
		r.plan.Rules = append(r.plan.Rules, next)
	}
}

// systemDefault is what answers for an Ingress without a default backend: the cluster's own, if it has one.
func (r *reader) systemDefault() target {
	s, ok := foundAs[*corev1.Service](r, store.Ref{
		Cluster: r.ref.Cluster, Kind: kind.Service, Namespace: backend.SystemNamespace, Name: backend.SystemDefault,
	})
	if !ok {
		return target{Unset: true}
	}
	port := ingressv1.ServiceBackendPort{Name: backend.SystemDefaultPort}
	i := object.PortIndex(s, &port)
	if i < 0 {
		r.say(object.ReasonTranslate, "spec.defaultBackend", "failed to retrieve the system default backend service %q with port %q: it has no such port",
			backend.SystemNamespace+"/"+backend.SystemDefault, backend.SystemDefaultPort)
		return target{Unset: true}
	}
	return target{Namespace: backend.SystemNamespace, Service: backend.SystemDefault, Port: s.Spec.Ports[i].Port}
}

// target finds the Service port of a backend.
func (r *reader) target(b *ingressv1.IngressBackend, field string) target {
	if b.Service == nil {
		r.say(object.ReasonTranslate, field, "Ingress Backend is not a service")
		return target{}
	}
	t := target{Service: b.Service.Name}
	name := r.ref.Namespace + "/" + b.Service.Name
	s, ok := foundAs[*corev1.Service](r, store.Ref{
		Cluster: r.ref.Cluster, Kind: kind.Service, Namespace: r.ref.Namespace, Name: b.Service.Name,
	})
	if !ok {
		r.say(object.ReasonTranslate, field+".service.name", "could not find service %q", name)
		return t
	}
	i := object.PortIndex(s, &b.Service.Port)
	if i < 0 {
		port := &b.Service.Port
		r.say(object.ReasonTranslate, field+".service.port", "could not find port \"&ServiceBackendPort{Name:%s,Number:%d,}\" in service %q", port.Name, port.Number, name)
		return t
	}
	if s.Spec.Type == corev1.ServiceTypeClusterIP && !r.usesGroups(s) {
		r.say(object.ReasonTranslate, field, "service %q is type %q, expected \"NodePort\" or \"LoadBalancer\" when not using NEGs", name, s.Spec.Type)
		return t
	}
	t.Port = s.Spec.Ports[i].Port
	return t
}
