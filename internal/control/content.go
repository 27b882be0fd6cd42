package control

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Redacted stands where a Secret's value would.
const Redacted = "(redacted)"

// Content is an object as an API server would return it: with the status, annotations and finalizers that controllers
// wrote. The values of Secrets are left out unless they are asked for.
func Content(e *store.Entry, secrets bool) (map[string]any, error) {
	content, err := fields(e.Object)
	if err != nil {
		return nil, err
	}
	metadata, _ := content["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
		content["metadata"] = metadata
	}
	if metadata["creationTimestamp"] == nil {
		delete(metadata, "creationTimestamp")
	}
	metadata["resourceVersion"] = strconv.FormatUint(e.Revision, 10)
	if status, ok := content["status"].(map[string]any); ok && !saysAnything(status) {
		delete(content, "status")
	}
	if e.Written != nil {
		if err := merge(content, metadata, e.Written); err != nil {
			return nil, err
		}
	}
	if e.Ref.Kind == kind.Secret && !secrets {
		redact(content)
	}
	return content, nil
}

// saysAnything is false for a status that nobody has written, though it may have required lists, as null.
func saysAnything(status map[string]any) bool {
	for _, value := range status {
		if value != nil {
			return true
		}
	}
	return false
}

func merge(content, metadata map[string]any, w *store.Written) error {
	if w.Status != nil {
		status, err := fields(w.Status)
		if err != nil {
			return err
		}
		content["status"] = status
	}
	if len(w.Annotations) > 0 {
		annotations, _ := metadata["annotations"].(map[string]any)
		if annotations == nil {
			annotations = map[string]any{}
			metadata["annotations"] = annotations
		}
		for k, v := range w.Annotations {
			annotations[k] = v
		}
	}
	if len(w.Finalizers) > 0 {
		finalizers, _ := metadata["finalizers"].([]any)
		for _, f := range w.Finalizers {
			if !slices.Contains(finalizers, any(f)) {
				finalizers = append(finalizers, f)
			}
		}
		metadata["finalizers"] = finalizers
	}
	return nil
}

func fields(v any) (map[string]any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	content := map[string]any{}
	return content, json.Unmarshal(b, &content)
}

// lastApplied is where `kubectl apply` keeps a copy of the whole manifest.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// redact replaces the values of a Secret, and the copy of them that kubectl leaves behind.
func redact(secret map[string]any) {
	for field, value := range map[string]string{
		"data": base64.StdEncoding.EncodeToString([]byte(Redacted)), "stringData": Redacted,
	} {
		data, _ := secret[field].(map[string]any)
		for key := range data {
			data[key] = value
		}
	}
	metadata, _ := secret["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	if annotations[lastApplied] != nil {
		annotations[lastApplied] = Redacted
	}
}
