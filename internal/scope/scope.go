// Package scope says what load balancer resources have in common with others: the cluster that they are read from, how
// far they reach, and how their names and paths are made.
//
// In: the class of a Gateway (or Ingress) and the fleet. Out: names, paths and locations. It is pure.
//
//	s := scope.Scope{Cluster: "gke-west-1", Multi: true, Scheme: lbv1.LoadBalancingScheme_EXTERNAL_MANAGED}
//	name := s.Namer().URLMap("store", "web", 80, s.Variant())
package scope

import (
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/unitkey"
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

// String is the scope as one part of unit keys; Parse reads it back.
func (s Scope) String() string {
	multi := ""
	if s.Multi {
		multi = "mc"
	}
	return unitkey.Join(s.Cluster, multi, s.Scheme.String(), s.Region, s.Client)
}

// Parse is the inverse of String.
func Parse(text string) (Scope, bool) {
	parts, ok := unitkey.Split(text, 5)
	if !ok {
		return Scope{}, false
	}
	scheme, ok := lbv1.LoadBalancingScheme_value[parts[2]]
	return Scope{
		Cluster: parts[0], Multi: parts[1] != "", Scheme: lbv1.LoadBalancingScheme(scheme), Region: parts[3], Client: parts[4],
	}, ok
}

// Namer makes the names of the scope's resources.
func (s Scope) Namer() names.Namer {
	if s.Multi {
		return names.MultiCluster()
	}
	return names.SingleCluster(s.Cluster)
}

// Variant tells apart the names of resources that exist once per scope. The global external one has none.
func (s Scope) Variant(more ...string) string {
	var parts []string
	if s.Scheme != lbv1.LoadBalancingScheme_EXTERNAL_MANAGED || s.Region != "" || s.Client != "" {
		parts = []string{s.Scheme.String(), s.Region, s.Client}
	}
	return strings.Join(append(parts, more...), "|")
}

// Path is a resource as annotations name it.
func (s Scope) Path(project, collection, name string) string {
	where := "global"
	if s.Region != "" {
		where = "regions/" + s.Region
	}
	return "/projects/" + project + "/" + where + "/" + collection + "/" + name
}

// LocationPath is a resource that is in a location, as annotations name it: those of regions begin with a slash.
func (s Scope) LocationPath(project, collection, name string) string {
	if s.Region == "" {
		return "projects/" + project + "/locations/global/" + collection + "/" + name
	}
	return "/projects/" + project + "/locations/" + s.Region + "/" + collection + "/" + name
}

// Home is the location that comes first in statuses: the scope's region, else what the user prefers, else the region of the
// scope's cluster.
func (s Scope) Home(preferred, own string) string {
	if s.Region != "" {
		return s.Region
	}
	if preferred != "" {
		return preferred
	}
	return own
}

// Locations are the regions that serve the scope, home first, of those of the fleet. A preferred home without a cluster is
// one more location of global load balancers.
func (s Scope) Locations(preferred, own string, regions []string) []string {
	home := s.Home(preferred, own)
	locations := []string{home}
	if s.Region != "" {
		return locations
	}
	for _, region := range regions {
		if region != home {
			locations = append(locations, region)
		}
	}
	return locations
}
