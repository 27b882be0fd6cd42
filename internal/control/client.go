package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/store"
)

// requestTimeout bounds a whole request. Reading every object of a large directory takes a second or two.
const requestTimeout = 30 * time.Second

// ErrNotFound is the error of a name that the server does not have.
var ErrNotFound = errors.New("not found")

// Client asks one server.
type Client struct {
	Socket string
	http   *http.Client
}

// NewClient makes a client of the server on a socket; it does not connect yet.
func NewClient(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	return &Client{Socket: socket, http: &http.Client{
		Timeout: requestTimeout, Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
}

// Info asks who is serving what.
func (c *Client) Info(ctx context.Context) (Info, error) {
	var info Info
	return info, c.get(ctx, "/v1/info", nil, &info)
}

// URLs asks where to curl.
func (c *Client) URLs(ctx context.Context) ([]URL, error) {
	var urls []URL
	return urls, c.get(ctx, "/v1/urls", nil, &urls)
}

// Objects asks for objects, in order of cluster, namespace and name.
func (c *Client) Objects(ctx context.Context, q Query) ([]*unstructured.Unstructured, error) {
	b, err := c.fetch(ctx, "/v1/objects", url.Values{
		"kind": {q.Kind}, "cluster": {q.Cluster}, "namespace": {q.Namespace}, "name": {q.Name},
		"secrets": {strconv.FormatBool(q.Secrets)},
	})
	if err != nil {
		return nil, err
	}
	var contents []any
	// This decoder keeps whole numbers whole.
	if err := utiljson.Unmarshal(b, &contents); err != nil {
		return nil, err
	}
	objects := make([]*unstructured.Unstructured, len(contents))
	for i, content := range contents {
		object, _ := content.(map[string]any)
		objects[i] = &unstructured.Unstructured{Object: object}
	}
	return objects, nil
}

// Health asks for the endpoints of a backend service.
func (c *Client) Health(ctx context.Context, backendService string) ([]Endpoint, error) {
	var endpoints []Endpoint
	return endpoints, c.get(ctx, "/v1/health", url.Values{"backend-service": {backendService}}, &endpoints)
}

// Troubles asks what is not in order about objects and no condition says.
func (c *Client) Troubles(ctx context.Context, q Query) ([]Troubles, error) {
	var troubles []Troubles
	return troubles, c.get(ctx, "/v1/troubles", url.Values{
		"kind": {q.Kind}, "cluster": {q.Cluster}, "namespace": {q.Namespace}, "name": {q.Name},
	}, &troubles)
}

// Logs asks for what a container has printed, from an offset on. ErrNotFound: there is no such Pod.
func (c *Client) Logs(ctx context.Context, pod store.Ref, container string, from int64) (Output, error) {
	var out Output
	return out, c.get(ctx, "/v1/logs", url.Values{
		"cluster": {pod.Cluster}, "namespace": {pod.Namespace}, "name": {pod.Name}, "container": {container},
		"from": {strconv.FormatInt(from, 10)},
	}, &out)
}

// Model asks for the load balancer model, private keys redacted.
func (c *Client) Model(ctx context.Context) (*lbv1.Model, error) {
	b, err := c.fetch(ctx, "/v1/model", nil)
	if err != nil {
		return nil, err
	}
	model := &lbv1.Model{}
	return model, protojson.Unmarshal(b, model)
}

// HTTP is the client of the APIs of Google that the server answers for, whatever the host in a URL.
func (c *Client) HTTP() *http.Client { return c.http }

func (c *Client) get(ctx context.Context, path string, query url.Values, into any) error {
	b, err := c.fetch(ctx, path, query)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func (c *Client) fetch(ctx context.Context, path string, query url.Values) ([]byte, error) {
	target := url.URL{Scheme: "http", Host: "spillway", Path: path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the server on %s: %w", c.Socket, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer of the server on %s: %w", c.Socket, err)
	case resp.StatusCode == http.StatusNotFound:
		return nil, ErrNotFound
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("the server on %s: %s", c.Socket, strings.TrimSpace(string(b)))
	}
	return b, nil
}
