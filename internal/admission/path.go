package admission

import (
	"encoding/hex"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// coded begins the part of a path that stands for a cluster whose name cannot be in one: API servers take DNS names only, and those
// of clusters may be contexts', such as gke_project_zone_name.
const coded = "hex-"

// Path is where a webhook answers for a cluster.
func Path(webhook, cluster string) string {
	if strings.HasPrefix(cluster, coded) || len(validation.IsDNS1123Subdomain(cluster)) > 0 {
		cluster = coded + hex.EncodeToString([]byte(cluster))
	}
	return "/" + webhook + "/" + cluster
}

// clusterOf is the cluster that a part of a path stands for.
func clusterOf(part string) string {
	if text, ok := strings.CutPrefix(part, coded); ok {
		name, _ := hex.DecodeString(text) // what is no name is no member's
		return string(name)
	}
	return part
}
