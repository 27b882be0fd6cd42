package computeapi

import (
	"net/http"

	"github.com/spillway-lb/spillway/internal/compute"
)

// inLocation are the members that a path of the Network Services API is about.
func (c *call) inLocation() (compute.Collection, []compute.Resource, error) {
	of, err := c.collection(compute.NetworkServices)
	if err != nil {
		return of, nil, err
	}
	region, ok := c.location()
	if !ok {
		return of, nil, &Error{Code: http.StatusBadRequest, Reason: reasonInvalid, Message: "Location '" + c.PathValue("location") + "' is not supported"}
	}
	var out []compute.Resource
	parent := c.PathValue("parent")
	for _, r := range c.edition.resources(of) {
		if (region == everywhere || r.Location.Region == region) && (parent == everywhere || r.Parent == parent) {
			out = append(out, r)
		}
	}
	return of, out, nil
}

func (c *call) listInLocation() (any, error) {
	if c.PathValue("collection") == operationsName {
		return map[string]any{}, nil // nothing is changed through this API
	}
	of, members, err := c.inLocation()
	if err != nil {
		return nil, err
	}
	page, err := c.page(members)
	if err != nil {
		return nil, err
	}
	return &locationList{of.Name, page}, nil
}

func (c *call) getInLocation() (any, error) {
	of, members, err := c.inLocation()
	if err != nil {
		return nil, err
	}
	for _, r := range members {
		if r.Name != c.PathValue("name") {
			continue
		}
		if of.Name == "wasmPlugins" && c.URL.Query().Get("view") == "WASM_PLUGIN_VIEW_FULL" {
			return c.edition.view.FullPlugin(r), nil
		}
		return r, nil
	}
	return nil, &Error{Code: http.StatusNotFound, Reason: reasonNotFound, Message: "Resource '" + c.path() + "' was not found"}
}

// locationList is an answer of a list method of the Network Services API.
type locationList struct {
	collection string
	page       page[compute.Resource]
}

// memberOf is what a list calls its items.
func memberOf(collection string) string {
	if collection == "versions" {
		return "wasmPluginVersions"
	}
	return collection
}

// AppendJSON writes the items as they are.
func (l *locationList) AppendJSON(b []byte) ([]byte, error) {
	return appendPage(b, map[string]any{}, memberOf(l.collection), l.page)
}
