package computeapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	api "google.golang.org/api/compute/v1"

	"github.com/spillway-lb/spillway/internal/compute"
)

// operationsName is the collection of what was changed through the API.
const operationsName = "operations"

// maxOperations is how many are remembered.
const maxOperations = 1000

// The states of operations.
const (
	statusRunning = "RUNNING"
	statusDone    = "DONE"
)

// operations are what was changed, the oldest first. One is done when what it deletes is no longer published.
type operations struct {
	mu   sync.Mutex
	all  []operation
	last uint64
}

// operation is never changed: when it is done, another one takes its place.
type operation struct {
	// serial is in order of time.
	serial uint64
	began  time.Time
	at     compute.Location
	target compute.Resource
	*api.Operation
}

// begin remembers that a resource is being deleted. If it is already, begun is false, and the name is that operation's.
func (o *operations) begin(project string, now time.Time, target compute.Resource) (name string, begun bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, running := range o.all {
		switch {
		case running.Status != statusRunning || running.target.Path != target.Path:
		case now.Sub(running.began) <= patience:
			return running.Name, false
		default: // what it was about is wanted again, or was made anew before anybody looked
			o.all[i].Operation = running.ended(now, &api.OperationErrorErrors{
				Code: "RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", Message: "the resource is published again, or still",
			})
		}
	}
	o.last++
	o.all = append(o.all, operation{o.last, now, target.Location, target, deletion(project, now, o.last, target)})
	if len(o.all) > maxOperations {
		o.all = slices.Delete(o.all, 0, len(o.all)-maxOperations)
	}
	return o.all[len(o.all)-1].Name, true
}

// deletion is the operation that begins.
func deletion(project string, now time.Time, serial uint64, target compute.Resource) *api.Operation {
	name := fmt.Sprintf("operation-%d-%08x-%x", now.UnixNano(), serial, target.ID())
	path := compute.Path(project, target.Location, operationsName, name)
	at := now.UTC().Format(timeLayout)
	op := &api.Operation{
		Kind: "compute#operation", Id: compute.Resource{Path: path}.ID(), Name: name, SelfLink: compute.SelfLink(path), OperationType: "delete",
		TargetLink: compute.SelfLink(target.Path), TargetId: target.ID(), Status: statusRunning, User: "spillway", InsertTime: at, StartTime: at,
		ForceSendFields: []string{"Progress"},
	}
	if target.Location.Zone != "" {
		op.Zone = compute.SelfLink("projects/" + project + "/" + target.Location.String())
	}
	if target.Location.Region != "" {
		op.Region = compute.SelfLink("projects/" + project + "/" + target.Location.String())
	}
	return op
}

// withdraw forgets an operation that came to nothing.
func (o *operations) withdraw(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = slices.DeleteFunc(o.all, func(one operation) bool { return one.Name == name })
}

// observe ends the operations whose target is no longer published. A deleted resource that is made again is another one.
func (o *operations) observe(published func(compute.Resource) bool, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for i, one := range o.all {
		if one.Status != statusRunning || published(one.target) {
			continue
		}
		o.all[i].Operation = one.ended(now)
	}
}

// ended is an operation that is done, with what went wrong.
func (o *operation) ended(now time.Time, errors ...*api.OperationErrorErrors) *api.Operation {
	done := *o.Operation
	done.Status, done.Progress, done.EndTime = statusDone, 100, now.UTC().Format(timeLayout)
	if len(errors) > 0 {
		done.Error = &api.OperationError{Errors: errors}
	}
	return &done
}

// list is in order of name.
func (o *operations) list() []operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.SortedFunc(slices.Values(o.all), func(a, b operation) int { return slices.Compare(operationKey(a), operationKey(b)) })
}

func operationKey(o operation) []string { return []string{o.Name} }

// newestOperation orders the newest first.
func newestOperation(o operation) []string { return []string{fmt.Sprintf("%016x", ^o.serial)} }

// operationPage is the part of operations, which are in order of name, that is asked for.
func (c *call) operationPage(all []operation) (page[operation], error) {
	if _, err := c.orderKey(); err != nil {
		return page[operation]{}, err
	}
	key := operationKey
	if _, order := c.parameter("orderBy"); order == byNewest {
		key = newestOperation
		slices.SortFunc(all, func(a, b operation) int { return slices.Compare(key(a), key(b)) })
	}
	return pageOf(c, all, key, operationFields)
}

// operation is the one of a path, as it is now.
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

const (
	// patience is how long Google's wait methods wait at most.
	patience = 2 * time.Minute
	// glance is the time between two looks at what is published.
	glance = 5 * time.Millisecond
)

// wait answers when an operation is done, or shows it running when Google's time is up.
func (c *call) wait() (any, error) {
	at, err := c.at()
	if err != nil {
		return nil, err
	}
	return c.awaited(c.PathValue("name"), at, patience)
}

// awaited is an operation as soon as it is done, and as it is after some time.
func (c *call) awaited(name string, at compute.Location, limit time.Duration) (any, error) {
	ctx, cancel := context.WithTimeout(c.Context(), limit)
	defer cancel()
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for {
		c.edition = c.front.edition()
		all := c.front.operations.list()
		i := slices.IndexFunc(all, func(o operation) bool { return o.Name == name && o.at == at })
		if i < 0 {
			return nil, notFound(compute.Path(c.edition.info.Project(), at, operationsName, name))
		}
		if all[i].Status == statusDone || ctx.Err() != nil {
			return all[i].Operation, nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

func (c *call) listOperations(at compute.Location) (any, error) {
	all := slices.DeleteFunc(c.front.operations.list(), func(o operation) bool { return o.at != at })
	page, err := c.operationPage(all)
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
	page, err := c.operationPage(c.front.operations.list())
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
