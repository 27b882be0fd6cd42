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

// DescribeIngress is the description that ingress-gce writes on the frontends of an Ingress.
func DescribeIngress(namespace, name string) string {
	text, err := json.Marshal(map[string]string{"kubernetes.io/ingress-name": namespace + "/" + name})
	if err != nil {
		panic("owner: a string does not marshal: " + err.Error())
	}
	return string(text)
}

// DescribeIngressBackend is the description that ingress-gce writes on the backend service of a Service port.
func DescribeIngressBackend(namespace, service, port string) string {
	text, err := json.Marshal(struct {
		Service  string   `json:"kubernetes.io/service-name"`
		Port     string   `json:"kubernetes.io/service-port"`
		Features []string `json:"x-features"`
	}{namespace + "/" + service, port, []string{"NEG"}})
	if err != nil {
		panic("owner: a string does not marshal: " + err.Error())
	}
	return string(text)
}
