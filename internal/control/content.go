package control

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/spillway-lb/spillway/internal/store"
)

// Redacted stands where a private key would.
const Redacted = "(redacted)"

// Content is an object as an API server would return it: with the status, annotations and finalizers that controllers
// wrote.
func Content(e *store.Entry) (map[string]any, error) {
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
	if status, ok := content["status"].(map[string]any); ok && len(status) == 0 {
		delete(content, "status")
	}
	if e.Written != nil {
		if err := merge(content, metadata, e.Written); err != nil {
			return nil, err
		}
	}
	if e.Ref.Kind == "Secret" {
		redact(content)
	}
	return content, nil
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
			finalizers = append(finalizers, f)
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

// redact replaces a TLS Secret's private key.
func redact(secret map[string]any) {
	for field, value := range map[string]string{
		"data": base64.StdEncoding.EncodeToString([]byte(Redacted)), "stringData": Redacted,
	} {
		if data, _ := secret[field].(map[string]any); data["tls.key"] != nil {
			data["tls.key"] = value
		}
	}
}
