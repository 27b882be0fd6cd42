package fleet

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	mcsv1alpha1 "sigs.k8s.io/mcs-api/pkg/apis/v1alpha1"
	mcsv1beta1 "sigs.k8s.io/mcs-api/pkg/apis/v1beta1"

	netv1 "github.com/spillway-lb/spillway/api/net/v1"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// eventSource is who says what events on exports say.
const eventSource = "mcs-controller"

// translateExport writes the conditions and events of one ServiceExport, and keeps the import of its name.
func translateExport(v *recompute.View, key string) recompute.Result {
	ref, ok := store.ParseRef(key)
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	object := v.Get(ref)
	if object == nil {
		return recompute.Result{State: recompute.Absent}
	}
	name := ImportKey(ref.Namespace, ref.Name)
	v.Unit(UnitImport, name)
	m, ok, held := recompute.Value[*merged](v, unitMerge, name)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok {
		return recompute.Result{State: recompute.Absent}
	}
	conditions := m.conditions(ref, object.GetGeneration())
	result := recompute.Result{State: recompute.Present}
	result.Writes = append(result.Writes, recompute.Write{
		Ref: ref, Part: recompute.PartStatus, Value: exportStatus(object, conditions),
	})
	for _, e := range events(conditions) {
		result.Writes = append(result.Writes, recompute.Write{Ref: ref, Part: recompute.PartEvent, Key: e.Reason, Value: e})
	}
	return result
}

// exportStatus wraps conditions in the status type of the export's own version.
func exportStatus(object store.Object, conditions []metav1.Condition) any {
	switch object.(type) {
	case *mcsv1alpha1.ServiceExport:
		return &mcsv1alpha1.ServiceExportStatus{Conditions: conditions}
	case *mcsv1beta1.ServiceExport:
		return &mcsv1beta1.ServiceExportStatus{Conditions: conditions}
	}
	return &netv1.ServiceExportStatus{Conditions: conditions}
}

func (m *merged) conditions(ref store.Ref, generation int64) []metav1.Condition {
	if bad, refused := m.Invalid[ref]; refused {
		return []metav1.Condition{
			condition(mcsv1beta1.ServiceExportConditionValid, false, bad.Reason, bad.Message, generation),
			condition(mcsv1beta1.ServiceExportConditionReady, false,
				string(mcsv1beta1.ServiceExportReasonFailed), bad.Message, generation),
		}
	}
	service := "Service " + ref.Namespace + "/" + ref.Name
	reason, message := m.conflictText()
	return []metav1.Condition{
		condition(mcsv1beta1.ServiceExportConditionValid, true,
			string(mcsv1beta1.ServiceExportReasonValid), service+" can be exported", generation),
		condition(mcsv1beta1.ServiceExportConditionReady, true,
			string(mcsv1beta1.ServiceExportReasonExported), service+" is exported to the fleet", generation),
		condition(mcsv1beta1.ServiceExportConditionConflict, len(m.Conflicts) > 0, reason, message, generation),
	}
}

// conflictText joins the reasons with commas and says for each field who won and who differs.
func (m *merged) conflictText() (reason, message string) {
	if len(m.Conflicts) == 0 {
		return string(mcsv1beta1.ServiceExportReasonNoConflicts), ""
	}
	var reasons, texts []string
	for _, c := range m.Conflicts {
		reasons = append(reasons, string(c.Reason))
		others := slices.Sorted(slices.Values(c.Clusters))
		if c.Reason == mcsv1beta1.ServiceExportReasonPortConflict {
			texts = append(texts, "ports: the import has the union of all exported ports, "+m.Result.Cluster+
				" first because its export is the oldest; those of "+strings.Join(others, ", ")+" differ from it")
			continue
		}
		texts = append(texts, c.Field+": "+m.Result.Cluster+" wins because its export is the oldest; "+
			strings.Join(others, ", ")+" differs from it")
	}
	return strings.Join(reasons, ","), strings.Join(texts, "; ")
}

func condition(
	kind mcsv1beta1.ServiceExportConditionType, is bool, reason, message string, generation int64,
) metav1.Condition {
	status := metav1.ConditionFalse
	if is {
		status = metav1.ConditionTrue
	}
	return metav1.Condition{
		Type: string(kind), Status: status, Reason: reason, Message: message, ObservedGeneration: generation,
	}
}

// events tells of an export that failed, of one that is there, and of conflicts.
func events(conditions []metav1.Condition) []recompute.Event {
	var all []recompute.Event
	for _, c := range conditions {
		e := recompute.Event{Type: "Warning", Reason: c.Reason, Message: c.Message, Source: eventSource, Cause: c.Message}
		switch {
		case c.Type == string(mcsv1beta1.ServiceExportConditionValid) && c.Status == metav1.ConditionFalse:
			all = append(all, e)
		case c.Type == string(mcsv1beta1.ServiceExportConditionReady) && c.Status == metav1.ConditionTrue:
			e.Type = "Normal"
			all = append(all, e)
		case c.Type == string(mcsv1beta1.ServiceExportConditionConflict) && c.Status == metav1.ConditionTrue:
			e.Reason = string(mcsv1beta1.ServiceExportConditionConflict)
			all = append(all, e)
		}
	}
	return all
}
