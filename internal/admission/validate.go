package admission

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/validate"
)

// validate refuses an object, or warns of what is not in order about it.
func (s *Server) validate(ctx context.Context, cluster string, r *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, result) {
	object := candidate(r)
	if object == nil || !s.config.Fresh(cluster) {
		return letThrough(), unjudged
	}
	ref := store.RefTo(cluster, object)
	if service, ok := object.(*corev1.Service); ok && (r.DryRun == nil || !*r.DryRun) {
		s.recent.add(ref, service, s.config.Now())
	}
	problems, more, err := s.judge(ctx, ref, object)
	if err == nil && len(problems)+len(more) > 0 && s.pause(ctx) {
		problems, more, err = s.judge(ctx, ref, object) // what was applied just before may be known by now
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return letThrough(), timedOut
	case err != nil:
		return letThrough(), unjudged
	}
	name := fmt.Sprintf("%s %q", r.Kind.Kind+"."+r.Kind.Group, object.GetName())
	if r.Kind.Group == "" {
		name = fmt.Sprintf("%s %q", r.Kind.Kind, object.GetName())
	}
	warnings := warningsOf(name, more)
	switch {
	case len(problems) > 0:
		return refuse(invalid(name, problems), warnings), refused
	case len(warnings) > 0:
		return letThrough(warnings...), warned
	}
	return letThrough(), allowed
}

// judge says what is wrong with an object as it would be translated now.
func (s *Server) judge(ctx context.Context, ref store.Ref, object store.Object) (problems, more []manifests.Problem, err error) {
	select {
	case s.judging <- struct{}{}:
		defer func() { <-s.judging }()
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
	writes, err := s.config.Foresee(ctx, func(tx *store.Tx) { tx.Put(ref.Cluster, object, "") })
	if err != nil {
		return nil, nil, err
	}
	snapshot, _ := s.config.Store.Candidate(s.config.Store.Snapshot(), func(tx *store.Tx) {
		tx.Put(ref.Cluster, object, "")
		if e := tx.Get(ref); e != nil {
			tx.Write(ref, said(e.Written, ref, writes))
		}
	})
	problems, more = validate.Admission(snapshot, ref, s.config.Strict)
	return problems, more, nil
}

// pause gives watches time to tell of what was applied just before; false if there is none left for it.
func (s *Server) pause(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	if s.config.Grace <= 0 || ok && time.Until(deadline) < 2*s.config.Grace {
		return false
	}
	select {
	case <-time.After(s.config.Grace):
		return true
	case <-ctx.Done():
		return false
	}
}

// candidate is the object that is about to be, nil if nobody here has a say in it: it is of a kind that nobody asks about, it is about to go, or
// nothing of what it says changes, or only what Spillway itself writes.
func candidate(r *admissionv1.AdmissionRequest) store.Object {
	if r.Operation != admissionv1.Create && r.Operation != admissionv1.Update || r.SubResource != "" || isOurs(r) {
		return nil
	}
	k, known := kind.Of(kind.Join(r.Kind.Kind, r.Kind.Group))
	if !known || !Asked(k) && k.Ref() != kind.Service || r.Operation == admissionv1.Update && same(r.Object.Raw, r.OldObject.Raw) {
		return nil
	}
	object, ok := schema.New(kind.APIVersion(r.Kind.Group, r.Kind.Version), r.Kind.Kind)
	if !ok || json.Unmarshal(r.Object.Raw, object) != nil || object.GetDeletionTimestamp() != nil {
		return nil
	}
	object.SetNamespace(r.Namespace)
	object.SetManagedFields(nil)
	if object.GetName() == "" {
		object.SetName(object.GetGenerateName() + "new") // the API server has not made up the name yet
	}
	return object
}

// isOurs tells whether an install of Spillway writes: of annotations that follow from the last round there is nothing to say.
func isOurs(r *admissionv1.AdmissionRequest) bool {
	var options struct{ FieldManager string }
	return json.Unmarshal(r.Options.Raw, &options) == nil && options.FieldManager == status.FieldManager
}

// same tells whether two versions of an object ask for the same: they differ in metadata (annotations count) and status only.
func same(a, b []byte) bool {
	x, y := asks(a), asks(b)
	return x != nil && reflect.DeepEqual(x, y)
}

func asks(raw []byte) map[string]any {
	var fields map[string]any
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	meta, _ := fields["metadata"].(map[string]any)
	delete(fields, "status")
	fields["metadata"] = meta["annotations"]
	return fields
}

// said is what would be said of an object after a round's writes.
func said(before *store.Written, ref store.Ref, writes []recompute.WriteChange) *store.Written {
	next := store.Written{}
	if before != nil {
		next = *before
	}
	found := before != nil
	for _, w := range writes {
		if w.Ref != ref {
			continue
		}
		value := w.Value
		if w.Removed {
			value = nil
		}
		switch w.Part {
		case recompute.PartStatus:
			next.Status, next.Conditions, found = value, nil, true
		case recompute.PartAnnotations:
			next.Annotations, _ = value.(map[string]string)
			found = true
		}
	}
	if !found {
		return nil
	}
	return &next
}

// invalid is how an API server begins what it says of an object that is not valid, and Google's documentation, too.
func invalid(name string, problems []manifests.Problem) string {
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Field + ": " + p.Message
	}
	if len(texts) == 1 {
		return name + " is invalid: " + texts[0]
	}
	return name + " is invalid: [" + strings.Join(texts, ", ") + "]"
}

// maxWarnings bounds what kubectl prints of one object.
const maxWarnings = 10

// warningsOf are lines for kubectl, which does not say of what object they are.
func warningsOf(name string, problems []manifests.Problem) []string {
	var lines []string
	seen := map[string]bool{}
	for _, p := range problems {
		line := name + ": " + p.Message
		if p.Field != "" {
			line = name + ": " + p.Field + ": " + p.Message
		}
		switch {
		case seen[line]:
		case len(lines) == maxWarnings:
			return append(lines, name+": and more; `spillway describe` tells")
		default:
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return lines
}
