package outbound

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

const (
	// maxAnswer bounds the body of an answer, and a message of a stream, in bytes: what the full profile lets a body have.
	maxAnswer = 16 << 20
	// maxTime bounds a call whose backend service has no time-out.
	maxTime = 30 * time.Second
)

// services makes the calls of one version.
type services struct {
	calls           *Calls
	plugin, version string
}

var _ wasm.Services = (*services)(nil)

// Knows implements wasm.Services. What it does not know is told: the plugin gets a status without a reason.
func (s *services) Knows(upstream string) bool {
	err := s.calls.permits(s, upstream)
	if err == nil {
		return true
	}
	s.calls.count(s, eventRefused)
	s.calls.tell(s, upstream, err)
	return false
}

// permits is why a version may not call an upstream, nil if it may.
func (c *Calls) permits(s *services, upstream string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	u, _ := c.look(s.plugin, s.version, upstream)
	switch {
	case u == nil:
		return errNotGranted
	case u.GetBackendService() == "":
		return fmt.Errorf("the upstream leads nowhere: %s", u.GetFault())
	}
	return nil
}

var errNotGranted = errors.New("no upstream of that name is among those that the GCPWasmPlugin grants (spec.upstreams)")

// HTTP implements wasm.Services.
func (s *services) HTTP(ctx context.Context, q *wasm.HTTPCall) (*wasm.HTTPAnswer, error) {
	s.calls.count(s, eventCall)
	answer, err := s.http(ctx, q)
	s.calls.tell(s, q.Upstream, err)
	return answer, err
}

func (s *services) http(ctx context.Context, q *wasm.HTTPCall) (*wasm.HTTPAnswer, error) {
	head, err := requestOf(q.Headers)
	if err != nil {
		return nil, invalid{err}
	}
	trailers, err := trailersOf(q.Trailers)
	if err != nil {
		return nil, invalid{err}
	}
	r, to, err := s.calls.begin(ctx, s, q.Upstream)
	if err != nil {
		return nil, err
	}
	defer s.calls.leave(r)
	timed, cancel := context.WithTimeout(r.ctx, limitOf(to.version, q.Timeout))
	defer cancel()
	reply, err := to.caller.Ask(timed, &call.Question{
		Version: to.version, Service: to.service, Request: head, Body: q.Body, Trailers: trailers, Limit: maxAnswer,
	})
	if err != nil {
		return nil, err
	}
	return &wasm.HTTPAnswer{
		Headers: append(wasm.Pairs{{Name: ":status", Value: fmt.Sprint(reply.Status)}}, pairsOf(&reply.Header)...),
		Body:    reply.Body, Trailers: pairsOf(&reply.Trailers),
	}, nil
}

// limitOf is the time of a call: the backend service's holds for plugins, too.
func limitOf(v *balance.Service, asked time.Duration) time.Duration {
	limit := v.Timeout
	if limit <= 0 {
		limit = maxTime
	}
	if asked > 0 {
		limit = min(limit, asked)
	}
	return limit
}

// requestOf makes the head of a request of a plugin's fields.
func requestOf(list wasm.Pairs) (*message.Request, error) {
	q := &message.Request{Scheme: message.SchemeHTTP, Major: 1, Minor: 1}
	for _, f := range list {
		name, value := strings.ToLower(f.Name), []byte(f.Value)
		switch name {
		case ":method":
			q.Method = value
		case ":path":
			q.Path = value
		case ":authority", "host":
			q.Authority = value
		case ":scheme":
			q.Scheme = value
		default:
			if err := add(&q.Header, name, value); err != nil {
				return nil, err
			}
		}
	}
	return q, checkHead(q)
}

func checkHead(q *message.Request) error {
	switch {
	case !field.ValidToken(q.Method) || string(q.Method) == "CONNECT":
		return fmt.Errorf(":method %q is none that can be sent", q.Method)
	case !field.ValidTarget(q.Path) || q.Path[0] != '/' && string(q.Path) != "*":
		return fmt.Errorf(":path %q does not begin with /, or has bytes that a request target has not", q.Path)
	case !message.ValidAuthority(q.Authority):
		return fmt.Errorf(":authority %q is no host with or without a port", q.Authority)
	case string(q.Scheme) != "http" && string(q.Scheme) != "https":
		return fmt.Errorf(":scheme %q is neither http nor https", q.Scheme)
	}
	return nil
}

// add adds a field. What says where a message ends is left out: the body says it.
func add(m *header.Map, name string, value []byte) error {
	switch {
	case !field.ValidName(name):
		return fmt.Errorf("%q is no name of a field", name)
	case !field.ValidValue(value):
		return fmt.Errorf("the value of %q has bytes that no field may have", name)
	case field.Framing(header.Lookup([]byte(name))):
	default:
		m.Add([]byte(name), value)
	}
	return nil
}

// trailersOf are nil where there are none.
func trailersOf(list wasm.Pairs) (*header.Map, error) {
	if len(list) == 0 {
		return nil, nil
	}
	m := &header.Map{}
	for _, f := range list {
		name := strings.ToLower(f.Name)
		if field.NotInTrailers(header.Lookup([]byte(name))) {
			return nil, fmt.Errorf("%q has no place in trailers", name)
		}
		if err := add(m, name, []byte(f.Value)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func pairsOf(m *header.Map) wasm.Pairs {
	var out wasm.Pairs
	for i := range m.Len() {
		f := m.At(i)
		out = append(out, wasm.Pair{Name: string(f.Name), Value: string(f.Value)})
	}
	return out
}
