// Package storm edits a served directory at random under steady traffic, and holds every answer against the states
// that were true while it was on its way.
//
// In: a binary, a number of edits, a time. Out: the answers that no state explains; there must be none.
package storm

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

const (
	routes   = 8
	services = 4
)

// fleet is what the directory says: the state that edits change.
type fleet struct {
	routes   [routes]route
	services [services]service
}

type route struct {
	exists  bool
	version int    // shown in an answer header
	weights [2]int // of services route%services and (route+1)%services
}

type service struct {
	exists   bool
	replicas int
	// checkPath is the HealthCheckPolicy's; "" is no policy.
	checkPath string
}

func newFleet() fleet {
	var f fleet
	for i := range f.routes {
		f.routes[i] = route{exists: true, version: 1, weights: [2]int{1, 1}}
	}
	for i := range f.services {
		f.services[i] = service{exists: true, replicas: 2}
	}
	return f
}

// edit changes one thing and returns the new state with the files to write (an empty text deletes the file).
func (f fleet) edit(r *rand.Rand) (fleet, map[string]string) {
	if r.IntN(3) > 0 {
		i := r.IntN(routes)
		f.routes[i] = editRoute(f.routes[i], r)
		return f, map[string]string{routeFile(i): f.routeYAML(i)}
	}
	i := r.IntN(services)
	f.services[i] = editService(f.services[i], r)
	return f, map[string]string{serviceFile(i): f.serviceYAML(i), policyFile(i): f.policyYAML(i), deploymentFile(i): f.deploymentYAML(i)}
}

func editRoute(x route, r *rand.Rand) route {
	switch {
	case !x.exists:
		x.exists = true
	case r.IntN(6) == 0:
		x.exists = false
	case r.IntN(2) == 0:
		x.weights = [][2]int{{1, 1}, {1, 0}, {0, 1}, {9, 1}}[r.IntN(4)]
	default:
		x.version++
	}
	return x
}

func editService(x service, r *rand.Rand) service {
	switch {
	case !x.exists:
		x.exists = true
	case r.IntN(8) == 0:
		x.exists = false
	case r.IntN(2) == 0:
		x.checkPath = []string{"", "/", "/healthz"}[r.IntN(3)]
	default:
		x.replicas = r.IntN(4)
	}
	return x
}

// files is the whole directory.
func (f fleet) files() map[string]string {
	files := map[string]string{"gateway.yaml": gatewayYAML}
	for i := range f.routes {
		files[routeFile(i)] = f.routeYAML(i)
	}
	for i := range f.services {
		files[serviceFile(i)], files[policyFile(i)], files[deploymentFile(i)] = f.serviceYAML(i), f.policyYAML(i), f.deploymentYAML(i)
	}
	return files
}

// explains tells whether the state allows an answer to a request for a route's host.
func (f fleet) explains(i int, a answer) bool {
	x := f.routes[i]
	if !x.exists {
		return a.status == 404 && a.body == "fault filter abort"
	}
	for slot, weight := range x.weights {
		n := (i + slot) % services
		s := f.services[n]
		switch {
		case weight == 0:
		case !s.exists:
			if a.status == 500 {
				return true
			}
		case s.replicas == 0:
			if a.status == 503 && a.body == "no healthy upstream" {
				return true
			}
		case a.status == 200 && a.version == fmt.Sprint(x.version) && strings.HasPrefix(a.pod, fmt.Sprintf("app-%d-", n)):
			return true
		}
	}
	return false
}

func routeFile(i int) string      { return fmt.Sprintf("routes/route-%d.yaml", i) }
func serviceFile(i int) string    { return fmt.Sprintf("services/service-%d.yaml", i) }
func policyFile(i int) string     { return fmt.Sprintf("services/policy-%d.yaml", i) }
func deploymentFile(i int) string { return fmt.Sprintf("services/deployment-%d.yaml", i) }

func host(i int) string { return fmt.Sprintf("r%d.example.com", i) }
