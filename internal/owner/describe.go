package owner

import (
	"encoding/json"

	"github.com/spillway-lb/spillway/internal/fleet"
)

// Describe is the description that Google's controllers write on the resources of a Kubernetes object.
func Describe(collection, namespace, name string, m fleet.Member) string {
	text, err := json.Marshal(struct {
		Resource string `json:"k8sResource"`
		Cluster  string `json:"k8sCluster"`
	}{
		"/namespaces/" + namespace + "/" + collection + "/" + name,
		"/projects/" + m.ProjectNumber + "/locations/" + m.Region + "/clusters/" + m.Name,
	})
	if err != nil {
		panic("owner: two strings do not marshal: " + err.Error())
	}
	return string(text)
}
