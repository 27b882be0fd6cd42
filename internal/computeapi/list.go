package computeapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/googlejson"
)

// list is an answer of a list method of the Compute API.
type list struct {
	kind, id string
	// collection is the API's name.
	collection string
	page       page[compute.Resource]
}

// AppendJSON writes the items as they are, without a second look.
func (l *list) AppendJSON(b []byte) ([]byte, error) {
	return appendPage(b, map[string]any{"kind": l.kind, "id": l.id, "selfLink": compute.SelfLink(l.id)}, "items", l.page)
}

// appendPage is an object with a page of resources as one more member; as Google's, it has none where there are no items.
func appendPage(b []byte, head map[string]any, name string, p page[compute.Resource]) ([]byte, error) {
	if p.next != "" {
		head["nextPageToken"] = p.next
	}
	b, err := appendHead(b, head)
	if err != nil || len(p.items) == 0 {
		return append(b, '}'), err
	}
	b, err = appendAll(appendName(slices.Grow(b, len(p.items)*usualSize), name), p.items)
	return append(b, '}'), err
}

// usualSize is about what a resource's JSON takes, in bytes.
const usualSize = 2 << 10

// appendHead is an object that more can be added to.
func appendHead(b []byte, head map[string]any) ([]byte, error) {
	text, err := json.Marshal(head)
	return append(b, bytes.TrimSuffix(text, []byte("}"))...), err
}

// appendName begins one more member of an object.
func appendName(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(googlejson.Text(b, name), ':')
}

// appendAll is an array of resources.
func appendAll(b []byte, resources []compute.Resource) ([]byte, error) {
	var err error
	b = append(b, '[')
	for i, r := range resources {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = r.AppendJSON(b); err != nil {
			return b, err
		}
	}
	return append(b, ']'), nil
}

// aggregated is an answer of an aggregatedList method: the items of every location.
type aggregated struct {
	kind, id string
	// collection is the API's name.
	collection string
	page       page[compute.Resource]
	// empty are the locations that have none.
	empty []compute.Location
}

func (c *call) aggregatedList() (any, error) {
	if c.PathValue("collection") == operationsName {
		return c.aggregatedOperations()
	}
	of, err := c.collection(compute.Compute)
	if err != nil {
		return nil, err
	}
	page, err := c.page(c.edition.resources(of))
	if err != nil {
		return nil, err
	}
	out := &aggregated{kind: "compute#" + of.Aggregated, id: c.path(), collection: of.Name, page: page}
	if _, token := c.parameter("pageToken"); token == "" {
		every, err := boolean("includeAllScopes", c.URL.Query().Get("includeAllScopes"))
		if err != nil {
			return nil, err
		}
		out.empty = c.edition.places.without(of.Zonal || every, page.items)
	}
	return out, nil
}

// AppendJSON has a member for each location.
func (a *aggregated) AppendJSON(b []byte) ([]byte, error) {
	head := map[string]any{"kind": a.kind, "id": a.id, "selfLink": compute.SelfLink(a.id)}
	if a.page.next != "" {
		head["nextPageToken"] = a.page.next
	}
	b, err := appendHead(b, head)
	if err != nil {
		return b, err
	}
	b = append(appendName(b, "items"), '{')
	at := byLocation(a.page.items)
	for _, location := range slices.SortedFunc(maps.Keys(at), func(a, b compute.Location) int { return strings.Compare(a.String(), b.String()) }) {
		b = appendName(append(appendName(b, location.String()), '{'), a.collection)
		if b, err = appendAll(b, at[location]); err != nil {
			return b, err
		}
		b = append(b, '}')
	}
	for _, location := range a.empty {
		warning, err := json.Marshal(map[string]any{"warning": noResults(location)})
		if err != nil {
			return b, err
		}
		b = append(appendName(b, location.String()), warning...)
	}
	return append(b, "}}"...), nil
}

func byLocation(resources []compute.Resource) map[compute.Location][]compute.Resource {
	out := map[compute.Location][]compute.Resource{}
	for _, r := range resources {
		out[r.Location] = append(out[r.Location], r)
	}
	return out
}

// noResults is the warning in place of a location's items.
func noResults(at compute.Location) *api.BackendServicesScopedListWarning {
	return &api.BackendServicesScopedListWarning{
		Code: "NO_RESULTS_ON_PAGE", Message: "There are no results for scope '" + at.String() + "' on this page.",
		Data: []*api.BackendServicesScopedListWarningData{{Key: "scope", Value: at.String()}},
	}
}
