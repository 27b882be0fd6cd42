package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// cluster is what a directory without a cluster.yaml is called.
const cluster = "default"

// socket asks a running `spillway serve`.
type socket struct{ http *http.Client }

func newSocket(path string) socket {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}
	return socket{&http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: dial}}}
}

// objects lists objects as an API server would show them, with all that was written about them.
func (s socket) objects(ctx context.Context, t target) ([]map[string]any, error) {
	var items []map[string]any
	err := s.get(ctx, "/v1/objects", url.Values{
		"kind": {t.ref()}, "cluster": {cluster}, "namespace": {t.namespace}, "name": {t.name}, "secrets": {"true"},
	}, &items)
	return items, err
}

// logs is all that is kept of a Pod's output.
func (s socket) logs(ctx context.Context, t target, container string) (string, error) {
	var out struct {
		Text []byte `json:"text"`
	}
	err := s.get(ctx, "/v1/logs", url.Values{
		"cluster": {cluster}, "namespace": {t.namespace}, "name": {t.name}, "container": {container}, "from": {"0"},
	}, &out)
	return string(out.Text), err
}

func (s socket) get(ctx context.Context, path string, query url.Values, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://spillway"+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	answer, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, answer.Status, b)
	}
	return json.Unmarshal(b, into)
}
