package neg

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitWanted is the unit kind of what a Service wants. Its key is the Service's Ref, its value a *Wanted. It is absent for a
// Service that wants nothing.
const unitWanted = "neg.wanted"

// Wanted are the ports of a Service that are to have groups, whether a backend service uses them or not.
type Wanted struct {
	// Ports are the ports with the names that users gave their groups, "" for generated ones.
	Ports map[int32]string
	// Ingress: the ports that Ingresses refer to have groups.
	Ingress bool
	// ByDefault: the Service has no annotation, or the one that it would be given. What has been given goes on being wanted: else it
	// would be taken away again by whoever wrote it.
	ByDefault bool
	// Problem is what is wrong with the annotation, else "". The last good one counts then.
	Problem string
}

// port tells whether a port is wanted, and the user's name for its groups.
func (w *Wanted) port(number int32) (name string, wanted bool) {
	if w == nil {
		return "", false
	}
	name, wanted = w.Ports[number]
	return name, wanted
}

func translateWanted(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	service, ok := recompute.Get[*corev1.Service](v, ref)
	if !ok || service.Spec.Type == corev1.ServiceTypeExternalName {
		return recompute.Result{State: recompute.Absent}
	}
	asked, explicit, err := annotation.Ask(service)
	w := &Wanted{Ports: map[int32]string{}, ByDefault: !explicit || service.Annotations[annotation.Name] == annotation.ByDefault}
	result := recompute.Result{State: recompute.Present, Value: w}
	switch {
	case err != nil:
		w.Problem = err.Error()
		asked = lastAsked(v, service)
		result.Good = v.Good()
	case explicit:
		result.Good = service
	}
	for port, exposed := range asked.Exposed {
		w.Ports[port] = exposed.Name
	}
	if w.Ingress = asked.Ingress; w.Ingress {
		ports, held := IngressPorts(v, ref.Cluster, ref.Namespace, ref.Name)
		if held {
			return recompute.Result{State: recompute.Held}
		}
		for _, port := range ports {
			if _, ok := annotation.Port(service, port); ok {
				w.Ports[port] = ""
			}
		}
	}
	if len(w.Ports) == 0 && w.Problem == "" && result.Good == nil {
		return recompute.Result{State: recompute.Absent}
	}
	return result
}

// lastAsked is what the Service asked for before its annotation broke, of the ports that it has today.
func lastAsked(v *recompute.View, today *corev1.Service) annotation.Asked {
	good, ok := v.Good().(*corev1.Service)
	if !ok {
		return annotation.Asked{}
	}
	asked, _, err := annotation.Ask(good)
	if err != nil {
		return annotation.Asked{}
	}
	asked.Exposed = maps.Clone(asked.Exposed)
	maps.DeleteFunc(asked.Exposed, func(port int32, _ annotation.Exposed) bool {
		_, ok := annotation.Port(today, port)
		return !ok
	})
	return asked
}

// wantedBy reads what a Service wants; nil is nothing.
func wantedBy(v *recompute.View, service store.Ref) (w *Wanted, held bool) {
	w, _, held = recompute.Value[*Wanted](v, unitWanted, service.String())
	return w, held
}

// IngressGroups tells whether a Service whose annotation is broken had groups for Ingresses before: it keeps them.
func IngressGroups(v *recompute.View, service store.Ref) bool {
	w, _ := wantedBy(v, service)
	return w != nil && w.Ingress
}

// ports are the wanted ones in order.
func (w *Wanted) ports() []int32 { return slices.Sorted(maps.Keys(w.Ports)) }
