package gateway

import (
	"encoding/json"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/names"
)

// Scope is what the load balancer resources of a Gateway have in common with those of others: two Gateways of one scope
// share the backend service of a Service port, as on Google Cloud.
type Scope struct {
	// Cluster is where the Gateways and routes are: the config cluster if Multi.
	Cluster string
	Multi   bool
	Scheme  lbv1.LoadBalancingScheme
	// Region is "" for global load balancers.
	Region string
	// Client is the Gateway that presents a client certificate to backends, "namespace/name", else "".
	Client string
}

// String is the scope as a part of unit keys; parseScope reads it back.
func (s Scope) String() string {
	multi := ""
	if s.Multi {
		multi = "mc"
	}
	return strings.Join([]string{s.Cluster, multi, s.Scheme.String(), s.Region, s.Client}, "|")
}

// scopeParts is the number of parts of a scope's string.
const scopeParts = 5

func parseScope(parts []string) Scope {
	return Scope{
		Cluster: parts[0], Multi: parts[1] != "", Region: parts[3], Client: parts[4],
		Scheme: lbv1.LoadBalancingScheme(lbv1.LoadBalancingScheme_value[parts[2]]),
	}
}

func (s Scope) namer() names.Namer {
	if s.Multi {
		return names.MultiCluster()
	}
	return names.SingleCluster(s.Cluster)
}

// variant tells apart the names of resources that exist once per scope. The global external one has none.
func (s Scope) variant(more ...string) string {
	var parts []string
	if s.Scheme != lbv1.LoadBalancingScheme_EXTERNAL_MANAGED || s.Region != "" || s.Client != "" {
		parts = []string{s.Scheme.String(), s.Region, s.Client}
	}
	return strings.Join(append(parts, more...), "|")
}

// path is a resource as annotations name it.
func (s Scope) path(project, collection, name string) string {
	where := "global"
	if s.Region != "" {
		where = "regions/" + s.Region
	}
	return "/projects/" + project + "/" + where + "/" + collection + "/" + name
}

// locations are the regions that serve the scope, in order.
func (s Scope) locations(f *fleet.Fleet) []string {
	if s.Region != "" {
		return []string{s.Region}
	}
	var regions []string
	seen := map[string]bool{}
	for _, m := range f.Members {
		if !seen[m.Region] {
			seen[m.Region] = true
			regions = append(regions, m.Region)
		}
	}
	return regions
}

// describe is the description that Google's controller writes on the resources of a Kubernetes object.
func describe(collection, namespace, name string, member fleet.Member) string {
	text, err := json.Marshal(struct {
		Resource string `json:"k8sResource"`
		Cluster  string `json:"k8sCluster"`
	}{
		"/namespaces/" + namespace + "/" + collection + "/" + name,
		"/projects/" + member.ProjectNumber + "/locations/" + member.Region + "/clusters/" + member.Name,
	})
	if err != nil {
		panic("gateway: two strings do not marshal: " + err.Error())
	}
	return string(text)
}
