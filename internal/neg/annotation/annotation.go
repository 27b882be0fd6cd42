// Package annotation reads what a Service says of the network endpoint groups that it wants.
//
// In: a Service. Out: which of its ports are to have groups, and what is wrong with what it says. It knows nothing of how groups
// are made, so that whoever tells users what is wrong can ask it, too.
//
//	asked, explicit, err := annotation.Ask(service)
package annotation

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	// Name is where a Service asks for groups.
	Name = "cloud.google.com/neg"
	// Status is where the controller says which there are.
	Status = "cloud.google.com/neg-status"
	// ByDefault is what GKE's webhook writes into a Service that says nothing.
	ByDefault = `{"ingress":true}`
)

// Asked is what a Service asks for.
type Asked struct {
	// Ingress: the ports that Ingresses refer to have groups.
	Ingress bool `json:"ingress,omitempty"`
	// Exposed ports have groups without anybody who refers to them.
	Exposed map[int32]Exposed `json:"exposed_ports,omitempty"`
}

// Exposed is what is asked for a port.
type Exposed struct {
	// Name is the user's for the group; the generated one if empty.
	Name string `json:"name,omitempty"`
}

// notJSON is an annotation that is no JSON of that form.
type notJSON struct{}

// Error is GKE's text.
func (notJSON) Error() string { return "NEG annotation is invalid." }

// resourceName is what a Compute resource may be called.
var resourceName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// Ask reads the annotation of a Service. One without it asks for groups of what Ingresses refer to, as if GKE's webhook had
// seen it; explicit is false then. What is asked for counts even if there is an error.
func Ask(service *corev1.Service) (asked Asked, explicit bool, err error) {
	text, explicit := service.Annotations[Name]
	if !explicit {
		return Asked{Ingress: true}, false, nil
	}
	if err := json.Unmarshal([]byte(text), &asked); err != nil {
		return Asked{}, true, notJSON{}
	}
	return asked, true, asked.check(service)
}

// check says what cannot be of what a Service asks for.
func (a *Asked) check(service *corev1.Service) error {
	for _, port := range slices.Sorted(maps.Keys(a.Exposed)) {
		name := a.Exposed[port].Name
		if _, ok := Port(service, port); !ok {
			return fmt.Errorf("port %d specified in %q doesn't exist in the service", port, Name)
		}
		switch {
		case name == "":
		case a.Ingress:
			return fmt.Errorf("configuration for negs in service (%s) is invalid, custom neg name cannot be used with ingress enabled", service.Namespace+"/"+service.Name)
		case !resourceName.MatchString(name):
			return fmt.Errorf("port %d specified in %q: %q is no name of a network endpoint group: letters, digits and hyphens, a letter first, at most 63", port, Name, name)
		}
	}
	return nil
}

// Port is a Service's TCP port of a number.
func Port(service *corev1.Service, number int32) (corev1.ServicePort, bool) {
	for _, p := range service.Spec.Ports {
		if p.Port == number && p.Protocol != corev1.ProtocolUDP && p.Protocol != corev1.ProtocolSCTP {
			return p, true
		}
	}
	return corev1.ServicePort{}, false
}
