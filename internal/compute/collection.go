// Package compute shows the load balancer model as Google's Compute API and gcloud do.
//
// In: an lb model. Out: resources of one collection with the API's fields, and the columns that
// `gcloud compute COLLECTION list` prints. It is pure.
//
//	c, ok := compute.Lookup("backend-services")
//	for _, r := range c.Resources(compute.Model{Model: model, Project: "demo"}) { fmt.Println(r.Name, r.Cells) }
package compute

import (
	"cmp"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Model is what collections are views of.
type Model struct {
	*lbv1.Model
	// Project is the project id that paths show.
	Project string
	// Home is the region whose address a forwarding rule shows as its own.
	Home string
}

// Collection is one of gcloud's resource groups.
type Collection struct {
	// Name is the command's, such as "backend-services".
	Name string
	// Headers of the list; the first is NAME.
	Headers []string

	resources func(view, *lbv1.Resource) []Resource
}

// Resource is one member of a collection.
type Resource struct {
	Name string
	// Cells are the columns of the list.
	Cells []string
	// Fields are those of the API.
	Fields map[string]any
}

// Collections returns every collection, in order of name.
func Collections() []Collection {
	all := append(ExtensionCollections(), []Collection{
		{"addresses", []string{"NAME", "ADDRESS/RANGE", "TYPE", "PURPOSE", "NETWORK", "REGION", "SUBNET", "STATUS"}, addresses},
		{"backend-services", []string{"NAME", "BACKENDS", "PROTOCOL"}, each(backendService)},
		{"forwarding-rules", []string{"NAME", "REGION", "IP_ADDRESS", "IP_PROTOCOL", "TARGET"}, each(forwardingRule)},
		{"health-checks", []string{"NAME", "REGION", "PROTOCOL"}, each(healthCheck)},
		{"network-endpoint-groups", []string{"NAME", "LOCATION", "ENDPOINT_TYPE", "SIZE"}, each(endpointGroup)},
		{"ssl-certificates", []string{"NAME", "TYPE"}, each(sslCertificate)},
		{"target-http-proxies", []string{"NAME", "URL_MAP"}, each(targetHTTPProxy)},
		{"target-https-proxies", []string{"NAME", "SSL_CERTIFICATES", "URL_MAP"}, each(targetHTTPSProxy)},
		{"url-maps", []string{"NAME", "DEFAULT_SERVICE"}, each(urlMap)},
	}...)
	slices.SortFunc(all, func(a, b Collection) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// each is a collection with at most one member for each resource of the model.
func each(show func(view, *lbv1.Resource) (Resource, bool)) func(view, *lbv1.Resource) []Resource {
	return func(v view, r *lbv1.Resource) []Resource {
		if resource, ok := show(v, r); ok {
			return []Resource{resource}
		}
		return nil
	}
}

// Lookup finds a collection by its name, in the plural or the singular.
func Lookup(name string) (Collection, bool) {
	name = strings.ToLower(name)
	for _, c := range Collections() {
		if name == c.Name || name == singular(c.Name) {
			return c, true
		}
	}
	return Collection{}, false
}

// singular of "url-maps" is "url-map", of "target-http-proxies" "target-http-proxy", of "addresses" "address".
func singular(plural string) string {
	if stem, ok := strings.CutSuffix(plural, "sses"); ok {
		return stem + "ss"
	}
	if stem, ok := strings.CutSuffix(plural, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(plural, "s")
}

// Resources returns the members in order of name.
func (c Collection) Resources(m Model) []Resource {
	v := newView(m)
	var out []Resource
	for _, r := range m.GetResources() {
		out = append(out, c.resources(v, r)...)
	}
	slices.SortStableFunc(out, func(a, b Resource) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// link is a resource's URL; region "" is global.
func (v view) link(region, collection, name string) string {
	if region == "" {
		return Link(v.Project, "global/"+collection, name)
	}
	return Link(v.Project, "regions/"+region+"/"+collection, name)
}

// Link is the URL of a resource in the Compute API.
func Link(project, where, name string) string {
	return "https://www.googleapis.com/compute/v1/projects/" + project + "/" + where + "/" + name
}

// fields are what every resource has.
func (v view) fields(kind, region, collection, name, description string) map[string]any {
	f := map[string]any{"kind": "compute#" + kind, "name": name, "selfLink": v.link(region, collection, name)}
	if region != "" {
		f["region"] = Link(v.Project, "regions", region)
	}
	if description != "" {
		f["description"] = description
	}
	return f
}
