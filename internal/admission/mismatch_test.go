package admission_test

import (
	"encoding/json"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/kind"
)

// TestAnObjectThatIsOfAnotherKindThanTheRequest: anybody who reaches the webhook may say so. What is foreseen runs where nothing may panic.
func TestAnObjectThatIsOfAnotherKindThanTheRequest(t *testing.T) {
	w := newWorld(t, false, "")
	for _, asked := range kind.All() {
		for _, said := range kind.All() {
			body, err := json.Marshal(map[string]any{
				"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
				"request": map[string]any{
					"uid": "u", "namespace": "n", "operation": "CREATE",
					"kind":   metav1.GroupVersionKind{Group: asked.Group, Version: asked.Version, Kind: asked.Name},
					"object": map[string]any{"apiVersion": kind.APIVersion(said.Group, said.Version), "kind": said.Name, "metadata": map[string]any{"name": "x"}},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if answer := w.post("/validate/c", body); answer.Code != http.StatusOK {
				t.Errorf("%s for %s: %d %s", said.Name, asked.Name, answer.Code, answer.Body)
			}
		}
	}
}
