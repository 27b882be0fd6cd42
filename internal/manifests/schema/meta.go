package schema

import (
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/spillway-lb/spillway/internal/manifests/document"
	"github.com/spillway-lb/spillway/internal/store"
)

// checkMeta decodes and validates metadata, and leaves the value's metadata as the CRD's own rules see it.
func (r *Registry) checkMeta(value map[string]any, k *Kind) (*metav1.ObjectMeta, []document.Violation) {
	in := struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}{}
	violations := r.decoder.Into(map[string]any{"metadata": value["metadata"]}, &in)
	meta := &in.Metadata
	if meta.Namespace == "" && k.Namespaced {
		meta.Namespace = metav1.NamespaceDefault
	}
	meta.Generation, meta.ManagedFields = 0, nil
	value["metadata"] = map[string]any{"name": meta.Name}
	return meta, append(violations, document.FromField(validateMeta(meta, k))...)
}

// namespaceOf is what a manifest says of its namespace.
func namespaceOf(value map[string]any) string {
	meta, _ := value["metadata"].(map[string]any)
	name, _ := meta["namespace"].(string)
	return name
}

func validateMeta(meta *metav1.ObjectMeta, k *Kind) field.ErrorList {
	at := field.NewPath("metadata")
	if meta.Name == "" {
		detail := ""
		if meta.GenerateName != "" {
			detail = "generateName has no meaning in a file: an object needs the same name each time the file is read"
		}
		return field.ErrorList{field.Required(at.Child("name"), detail)}
	}
	return apivalidation.ValidateObjectMetaAccessor(meta, k.Namespaced, k.name, at)
}

// setMeta copies metadata into an object of any type, but for what only an API server may say (uid, resourceVersion,
// generation, managedFields, deletionTimestamp).
func setMeta(o store.Object, meta *metav1.ObjectMeta) {
	o.SetName(meta.Name)
	o.SetNamespace(meta.Namespace)
	o.SetLabels(meta.Labels)
	o.SetAnnotations(meta.Annotations)
	o.SetFinalizers(meta.Finalizers)
	o.SetOwnerReferences(meta.OwnerReferences)
	o.SetCreationTimestamp(meta.CreationTimestamp)
}
