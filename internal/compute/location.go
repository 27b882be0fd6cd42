package compute

import "strings"

// Location is where a resource is: in a zone, in a region, or everywhere if it names neither.
type Location struct{ Region, Zone string }

// String is the location in a path: "global", "regions/us-west1" or "zones/us-west1-a".
func (l Location) String() string {
	switch {
	case l.Zone != "":
		return "zones/" + l.Zone
	case l.Region != "":
		return "regions/" + l.Region
	}
	return "global"
}

// ParseLocation is the inverse of String.
func ParseLocation(path string) (Location, bool) {
	if path == "global" {
		return Location{}, true
	}
	kind, name, _ := strings.Cut(path, "/")
	switch {
	case name == "" || strings.Contains(name, "/"):
		return Location{}, false
	case kind == "regions":
		return Location{Region: name}, true
	case kind == "zones":
		return Location{Zone: name}, true
	}
	return Location{}, false
}

// Link is the URL of a resource in the Compute API, or without a name of a collection.
func Link(project string, at Location, collection, name string) string {
	return SelfLink(strings.TrimSuffix(Path(project, at, collection, name), "/"))
}

// SelfLink is the URL of what the Compute API has at a path.
func SelfLink(path string) string { return computeURL + path }

const (
	computeURL         = "https://www.googleapis.com/compute/v1/"
	networkServicesURL = "https://networkservices.googleapis.com/v1/"
)

// Path is what the Compute API calls a resource in messages.
func Path(project string, at Location, collection, name string) string {
	return "projects/" + project + "/" + at.String() + "/" + collection + "/" + name
}

// InLocation is what the Network Services API calls a resource.
func InLocation(project, region, collection, name string) string {
	if region == "" {
		region = "global"
	}
	return "projects/" + project + "/locations/" + region + "/" + collection + "/" + name
}
