package neg

import (
	"encoding/json"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/neg/annotation"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// unitService is the unit kind that makes the groups exist that a Service wants, and says so on the Service. Its key is the
// Service's Ref.
const unitService = "neg.service"

// Component is what events about Services and their groups are from.
const Component = "neg-controller"

func translateService(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	wanted, held := wantedBy(v, ref)
	switch {
	case held:
		return recompute.Result{State: recompute.Held}
	case wanted == nil:
		return recompute.Result{State: recompute.Absent}
	}
	result := recompute.Result{State: recompute.Present}
	if wanted.Problem != "" {
		result.Writes = append(result.Writes, problemEvent(ref, wanted.Problem))
	}
	status := statusAnnotation{Groups: map[string]string{}}
	for _, port := range wanted.ports() {
		of := portOf{ref.Cluster, ref.Namespace, ref.Name, port}
		groups, ok, held := recompute.Value[*Groups](v, UnitGroups, of.key())
		if held {
			return recompute.Result{State: recompute.Held, Writes: result.Writes}
		}
		if !ok {
			continue // the port has gone in this very round
		}
		v.Unit(unitObject, svcnegRef(of, groups.Name).String())
		status.Groups[strconv.Itoa(int(port))] = groups.Name
		if groups.Asked != "" {
			v.Unit(unitObject, svcnegRef(of, groups.Asked).String())
		}
	}
	if len(status.Groups) == 0 {
		return result
	}
	topology, held := topologyOf(v, ref.Cluster)
	if held {
		return recompute.Result{State: recompute.Held, Writes: result.Writes}
	}
	status.Zones = topology.Zones
	annotations := map[string]string{annotation.Status: status.String()}
	if wanted.ByDefault {
		annotations[annotation.Name] = annotation.ByDefault
	}
	result.Writes = append(result.Writes, recompute.Write{Ref: ref, Part: recompute.PartAnnotations, Value: annotations})
	return result
}

// statusAnnotation is the value of annotation.Status.
type statusAnnotation struct {
	Groups map[string]string `json:"network_endpoint_groups"`
	Zones  []string          `json:"zones"`
}

func (s statusAnnotation) String() string {
	text, err := json.Marshal(s)
	if err != nil {
		panic("neg: a map of strings does not marshal: " + err.Error())
	}
	return string(text)
}

func problemEvent(service store.Ref, problem string) recompute.Write {
	return recompute.Write{Ref: service, Part: recompute.PartEvent, Key: "neg.problem", Value: recompute.Event{
		Type: corev1.EventTypeWarning, Reason: "ProcessServiceFailed", Source: Component, Cause: problem,
		Message: fmt.Sprintf("error processing service %q: %s", service.Namespace+"/"+service.Name, problem),
	}}
}
