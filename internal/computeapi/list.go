package computeapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
)

// list is an answer of a list method of the Compute API.
type list struct {
	kind, id string
	page     page[compute.Resource]
}

// MarshalJSON writes the items as they are, without a second look.
func (l *list) MarshalJSON() ([]byte, error) {
	return marshalPage(map[string]any{"kind": l.kind, "id": l.id, "selfLink": compute.SelfLink(l.id)}, "items", l.page)
}

// marshalPage is an object with a page of resources as one more member; as Google's, it has none where there are no items.
func marshalPage(head map[string]any, name string, p page[compute.Resource]) ([]byte, error) {
	if p.next != "" {
		head["nextPageToken"] = p.next
	}
	if len(p.items) == 0 {
		return json.Marshal(head)
	}
	items, err := marshalAll(p.items)
	if err != nil {
		return nil, err
	}
	return withMember(head, name, items)
}

// marshalAll is a JSON array of resources.
func marshalAll(resources []compute.Resource) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, r := range resources {
		if i > 0 {
			out.WriteByte(',')
		}
		b, err := r.MarshalJSON()
		if err != nil {
			return nil, err
		}
		out.Write(b)
	}
	out.WriteByte(']')
	return out.Bytes(), nil
}

// withMember is an object with one more member, which is JSON already.
func withMember(head map[string]any, name string, member []byte) ([]byte, error) {
	b := []byte("{}")
	if len(head) > 0 {
		var err error
		if b, err = json.Marshal(head); err != nil {
			return nil, err
		}
	}
	out := bytes.NewBuffer(bytes.TrimSuffix(b, []byte("}")))
	if len(head) > 0 {
		out.WriteByte(',')
	}
	out.WriteString(`"` + name + `":`)
	out.Write(member)
	out.WriteByte('}')
	return out.Bytes(), nil
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
		out.empty = c.edition.places.without(of, page.items)
	}
	return out, nil
}

// MarshalJSON has a member for each location.
func (a *aggregated) MarshalJSON() ([]byte, error) {
	scopes := map[string]json.RawMessage{}
	for location, resources := range byLocation(a.page.items) {
		items, err := marshalAll(resources)
		if err != nil {
			return nil, err
		}
		if scopes[location.String()], err = withMember(nil, a.collection, items); err != nil {
			return nil, err
		}
	}
	for _, location := range a.empty {
		b, err := json.Marshal(map[string]any{"warning": noResults(location)})
		if err != nil {
			return nil, err
		}
		scopes[location.String()] = b
	}
	head := map[string]any{"kind": a.kind, "id": a.id, "selfLink": compute.SelfLink(a.id)}
	if a.page.next != "" {
		head["nextPageToken"] = a.page.next
	}
	items, err := marshalScopes(scopes)
	if err != nil {
		return nil, err
	}
	return withMember(head, "items", items)
}

// marshalScopes is an object of what is JSON already.
func marshalScopes(scopes map[string]json.RawMessage) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, name := range slices.Sorted(maps.Keys(scopes)) {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(scopes[name])
	}
	out.WriteByte('}')
	return out.Bytes(), nil
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
