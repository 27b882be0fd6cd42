package computeapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
)

// operationsName is the collection of what was changed through the API.
const operationsName = "operations"

// maxOperations is how many are remembered.
const maxOperations = 1000

// operations are what was changed, the oldest first. Each is done when it is answered.
type operations struct {
	mu  sync.Mutex
	all []operation
}

type operation struct {
	at compute.Location
	*api.Operation
}

// add remembers that a resource was deleted.
func (o *operations) add(project, now string, target compute.Resource, serial int64) *api.Operation {
	name := fmt.Sprintf("operation-%d-%x", serial, target.ID())
	path := compute.Path(project, target.Location, operationsName, name)
	op := &api.Operation{
		Kind: "compute#operation", Id: compute.Resource{Path: path}.ID(), Name: name, SelfLink: compute.SelfLink(path), OperationType: "delete",
		TargetLink: compute.SelfLink(target.Path), TargetId: target.ID(), Status: "DONE", Progress: 100, User: "spillway",
		InsertTime: now, StartTime: now, EndTime: now,
	}
	if target.Location.Zone != "" {
		op.Zone = compute.SelfLink("projects/" + project + "/" + target.Location.String())
	}
	if target.Location.Region != "" {
		op.Region = compute.SelfLink("projects/" + project + "/" + target.Location.String())
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = append(o.all, operation{target.Location, op})
	if len(o.all) > maxOperations {
		o.all = slices.Delete(o.all, 0, len(o.all)-maxOperations)
	}
	return op
}

// list is in order of name.
func (o *operations) list() []operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.SortedFunc(slices.Values(o.all), func(a, b operation) int { return slices.Compare(operationKey(a), operationKey(b)) })
}

func operationKey(o operation) []string { return []string{o.Name} }

func (c *call) operation() (any, error) {
	at, err := c.at()
	if err != nil {
		return nil, err
	}
	for _, o := range c.front.operations.list() {
		if o.Name == c.PathValue("name") && o.at == at {
			return o.Operation, nil
		}
	}
	return nil, notFound(compute.Path(c.edition.info.Project(), at, operationsName, c.PathValue("name")))
}

func (c *call) listOperations(at compute.Location) (any, error) {
	all := slices.DeleteFunc(c.front.operations.list(), func(o operation) bool { return o.at != at })
	page, err := pageOf(c, all, operationKey, operationFields)
	if err != nil {
		return nil, err
	}
	out := &api.OperationList{Kind: "compute#operationList", Id: c.path(), SelfLink: compute.SelfLink(c.path()), NextPageToken: page.next}
	for _, o := range page.items {
		out.Items = append(out.Items, o.Operation)
	}
	return out, nil
}

func (c *call) aggregatedOperations() (any, error) {
	page, err := pageOf(c, c.front.operations.list(), operationKey, operationFields)
	if err != nil {
		return nil, err
	}
	out := &api.OperationAggregatedList{
		Kind: "compute#operationAggregatedList", Id: c.path(), SelfLink: compute.SelfLink(c.path()), NextPageToken: page.next,
		Items: map[string]api.OperationsScopedList{},
	}
	for _, o := range page.items {
		scope := out.Items[o.at.String()]
		scope.Operations = append(scope.Operations, o.Operation)
		out.Items[o.at.String()] = scope
	}
	return out, nil
}

func operationFields(o operation) (map[string]any, error) {
	b, err := json.Marshal(o.Operation)
	if err != nil {
		return nil, err
	}
	fields := map[string]any{}
	return fields, json.Unmarshal(b, &fields)
}
