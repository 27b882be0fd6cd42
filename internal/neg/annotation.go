package neg

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	// Annotation is where a Service asks for groups.
	Annotation = "cloud.google.com/neg"
	// StatusAnnotation is where the controller says which there are.
	StatusAnnotation = "cloud.google.com/neg-status"
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

// invalid is what GKE says of an annotation that is no JSON of that form.
const invalid = "NEG annotation is invalid."

// resourceName is what a Compute resource may be called.
var resourceName = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)

// Ask reads the annotation of a Service. One without it asks for groups of what Ingresses refer to, as if GKE's webhook had
// seen it; explicit is false then. What is asked for counts even if there is an error.
func Ask(service *corev1.Service) (asked Asked, explicit bool, err error) {
	text, explicit := service.Annotations[Annotation]
	if !explicit {
		return Asked{Ingress: true}, false, nil
	}
	if err := json.Unmarshal([]byte(text), &asked); err != nil {
		return Asked{}, true, errors.New(invalid)
	}
	return asked, true, asked.check(service)
}

// check says what cannot be of what a Service asks for.
func (a *Asked) check(service *corev1.Service) error {
	for _, port := range slices.Sorted(maps.Keys(a.Exposed)) {
		name := a.Exposed[port].Name
		if _, ok := servicePort(service, port); !ok {
			return fmt.Errorf("port %d specified in %q doesn't exist in the service", port, Annotation)
		}
		switch {
		case name == "":
		case a.Ingress:
			return fmt.Errorf("configuration for negs in service (%s) is invalid, custom neg name cannot be used with ingress enabled", service.Namespace+"/"+service.Name)
		case !resourceName.MatchString(name):
			return fmt.Errorf("port %d specified in %q: %q is no name of a network endpoint group: letters, digits and hyphens, a letter first, at most 63", port, Annotation, name)
		}
	}
	return nil
}
