package computeapi

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/compute"
)

// call is one request.
type call struct {
	*http.Request
	front   *Front
	edition *edition
	access  Access
}

// answer looks at what every path has first.
func (c *call) answer(f func(*call) (any, error)) (any, error) {
	project := c.PathValue("project")
	// Until the first cluster is read, every project is empty.
	if known := c.edition.info.Project(); project != "" && known != "" && project != known {
		return nil, &Error{Code: http.StatusNotFound, Reason: reasonNotFound, Message: fmt.Sprintf(
			"The resource 'projects/%s' was not found: what is served here is of project %q", project, known)}
	}
	return f(c)
}

// path is what the API calls what is asked for: from projects/ on.
func (c *call) path() string {
	_, path, _ := strings.Cut(c.URL.Path, "/projects/")
	return "projects/" + path
}

// at is the location of a path of the Compute API.
func (c *call) at() (compute.Location, error) {
	at := compute.Location{Region: c.PathValue("region"), Zone: c.PathValue("zone")}
	switch {
	case at.Region != "" && !slices.Contains(c.edition.places.regions, at.Region):
		return at, invalid("region", at.Region, "Unknown region.")
	case at.Zone != "" && c.edition.places.zones[at.Zone] == nil:
		return at, invalid("zone", at.Zone, "Unknown zone.")
	}
	return at, nil
}

// collection is the one that the path names.
func (c *call) collection(service compute.Service) (compute.Collection, error) {
	name := cmp.Or(c.PathValue("collection"), "")
	found, ok := compute.ByName(service, name)
	if !ok || found.Parent != c.PathValue("parents") {
		return found, notFound(c.path())
	}
	return found, nil
}

// one is the member of a path of the Compute API.
func (c *call) one() (compute.Collection, compute.Resource, error) {
	of, err := c.collection(compute.Compute)
	if err != nil {
		return of, compute.Resource{}, err
	}
	at, err := c.at()
	if err != nil {
		return of, compute.Resource{}, err
	}
	r, found := c.edition.collection(of).member(at, c.PathValue("name"))
	if !found {
		return of, r, notFound(compute.Path(c.edition.info.Project(), at, of.Name, c.PathValue("name")))
	}
	return of, r, nil
}

func (c *call) get() (any, error) {
	if c.PathValue("collection") == operationsName {
		return c.operation()
	}
	_, r, err := c.one()
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (c *call) list() (any, error) {
	at, err := c.at()
	if err != nil {
		return nil, err
	}
	if c.PathValue("collection") == operationsName {
		return c.listOperations(at)
	}
	of, err := c.collection(compute.Compute)
	if err != nil {
		return nil, err
	}
	page, err := c.page(c.edition.collection(of).at[at])
	if err != nil {
		return nil, err
	}
	return &list{kind: "compute#" + of.List, id: c.path(), collection: of.Name, page: page}, nil
}

// verb is a method that is no plain read.
func (c *call) verb() (any, error) {
	switch collection := c.PathValue("collection"); collection + "." + c.PathValue("verb") {
	case "backendServices.getHealth":
		return c.getHealth()
	case "networkEndpointGroups.listNetworkEndpoints":
		return c.listNetworkEndpoints()
	case operationsName + ".wait":
		return c.wait()
	}
	return c.unknown()
}
