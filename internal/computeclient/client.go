// Package computeclient asks a front of internal/computeapi as Google's clients do, for any collection: gcloud's commands print
// what the API says, whatever fields it has.
//
// In: an HTTP client that reaches the front, and a project. Out: resources as JSON has them, numbers as json.Number.
//
//	c := computeclient.Client{HTTP: control.HTTP(), Base: "http://spillway", Project: "demo"}
//	services, err := c.All(ctx, collection)
package computeclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"

	"github.com/spillway-lb/spillway/internal/compute"
)

// Client asks one front about one project.
type Client struct {
	HTTP *http.Client
	// Base is the URL in front of /compute/v1/ and /v1/.
	Base    string
	Project string
}

// Error is an answer that is none.
type Error struct {
	Code    int
	Message string
}

func (e *Error) Error() string { return e.Message }

// NotFound says whether a resource is not there.
func NotFound(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == http.StatusNotFound
}

// All lists a collection in all locations, in order of name within each page.
func (c *Client) All(ctx context.Context, of compute.Collection) ([]map[string]any, error) {
	path := "/compute/v1/projects/" + c.Project + "/aggregated/" + of.Name
	items := func(answer map[string]any) []map[string]any { return scoped(answer, of.Name) }
	if of.Service == compute.NetworkServices {
		path = "/v1/projects/" + c.Project + "/locations/-/" + of.Name
		if of.Parent != "" {
			path = "/v1/projects/" + c.Project + "/locations/-/" + of.Parent + "/-/" + of.Name
		}
		items = firstList
	}
	return c.pages(ctx, http.MethodGet, path, nil, items)
}

// Endpoints lists those of a NEG, a resource that was listed.
func (c *Client) Endpoints(ctx context.Context, group map[string]any) ([]map[string]any, error) {
	path, err := c.Path(group)
	if err != nil {
		return nil, err
	}
	return c.pages(ctx, http.MethodPost, path+"/listNetworkEndpoints", map[string]any{}, firstList)
}

// Health is the health of a group of a backend service.
func (c *Client) Health(ctx context.Context, service map[string]any, group string) (map[string]any, error) {
	path, err := c.Path(service)
	if err != nil {
		return nil, err
	}
	return c.Do(ctx, http.MethodPost, path+"/getHealth", map[string]any{"group": group})
}

// Delete takes a resource away, and waits until it has gone.
func (c *Client) Delete(ctx context.Context, resource map[string]any) error {
	path, err := c.Path(resource)
	if err != nil {
		return err
	}
	operation, err := c.Do(ctx, http.MethodDelete, path, nil)
	for err == nil && operation["status"] != "DONE" {
		if path, err = c.Path(operation); err == nil {
			operation, err = c.Do(ctx, http.MethodPost, path+"/wait", map[string]any{})
		}
	}
	return err
}

// Path leads to a resource of the Compute API.
func (c *Client) Path(resource map[string]any) (string, error) {
	link, _ := resource["selfLink"].(string)
	u, err := url.Parse(link)
	if err != nil || u.Path == "" {
		return "", fmt.Errorf("the resource %v has no URL: %q", resource["name"], link)
	}
	return u.Path, nil
}

// pages asks until there are no more.
func (c *Client) pages(
	ctx context.Context, method, path string, body any, items func(map[string]any) []map[string]any,
) ([]map[string]any, error) {
	var out []map[string]any
	for token := ""; ; {
		answer, err := c.Do(ctx, method, path+"?"+url.Values{"pageToken": {token}}.Encode(), body)
		if err != nil {
			return nil, err
		}
		out = append(out, items(answer)...)
		if token, _ = answer["nextPageToken"].(string); token == "" {
			return out, nil
		}
	}
}

// scoped are the items of an aggregated list.
func scoped(answer map[string]any, collection string) []map[string]any {
	scopes, _ := answer["items"].(map[string]any)
	var out []map[string]any
	for _, scope := range slices.Sorted(maps.Keys(scopes)) {
		if inside, ok := scopes[scope].(map[string]any); ok {
			out = append(out, objects(inside[collection])...)
		}
	}
	return out
}

// firstList is the one list in an answer, whatever its name.
func firstList(answer map[string]any) []map[string]any {
	for _, value := range answer {
		if list := objects(value); list != nil {
			return list
		}
	}
	return nil
}

func objects(value any) []map[string]any {
	list, _ := value.([]any)
	var out []map[string]any
	for _, item := range list {
		if object, ok := item.(map[string]any); ok {
			out = append(out, object)
		}
	}
	return out
}

// Do sends one request and reads the answer.
func (c *Client) Do(ctx context.Context, method, path string, body any) (map[string]any, error) {
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.Base+path, content)
	if err != nil {
		return nil, err
	}
	// Zipping would cost more than it spares on a socket.
	r.Header.Set("Accept-Encoding", "identity")
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	out := map[string]any{}
	decoder := json.NewDecoder(answer.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&out); err != nil {
		return nil, fmt.Errorf("the answer to %s %s (%s) cannot be read: %w", method, path, answer.Status, err)
	}
	if answer.StatusCode != http.StatusOK {
		said, _ := out["error"].(map[string]any)
		text, _ := said["message"].(string)
		return nil, &Error{answer.StatusCode, text}
	}
	return out, nil
}
