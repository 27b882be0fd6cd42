package plugin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// Trial is one exchange with a plugin, without a proxy: what an author tries.
type Trial struct {
	Config []byte
	// Timeout bounds each callback.
	Timeout  time.Duration
	MinLevel wasm.Level
	// Kind says what the plugin may change.
	Kind extension.Kind
	// Request and Response are shown with their bodies, a piece each; a plugin that answers sees no response.
	Request      *message.Request
	RequestBody  [][]byte
	Response     *message.Response
	ResponseBody [][]byte
	// Properties are those that a proxy would know, by path with dots; request.* and response.* are known.
	Properties map[string]string
}

// Outcome is what a trial came to.
type Outcome struct {
	// Request and Response are as they go on, names first; bodies whole.
	Request, Response         []extension.Field
	RequestBody, ResponseBody []byte
	// Reply is what the plugin answered by itself, and Where the callback in which it did.
	Reply *wasm.LocalReply
	Where string
	Logs  []wasm.Record
}

// trialHost knows what the trial says.
type trialHost struct {
	filter
	known map[string]string
}

// Property implements wasm.StreamHost.
func (h *trialHost) Property(path string) ([]byte, bool) {
	dotted := strings.ReplaceAll(path, "\x00", ".")
	if v, found := h.known[dotted]; found {
		return []byte(v), true
	}
	if strings.HasPrefix(dotted, "request.") && dotted != "request.backend_service_name" || strings.HasPrefix(dotted, "response.") {
		return h.filter.Property(path)
	}
	return nil, false
}

// Run shows the exchange to a plugin. An error is the plugin's: it cannot be loaded, refuses its configuration, or crashed;
// what it did before is in the outcome.
func (t *Trial) Run(ctx context.Context, code []byte, o wasm.Options) (*Outcome, error) {
	out := &Outcome{}
	m, err := wasm.Load(ctx, code, o)
	if err != nil {
		return out, err
	}
	defer m.Close(ctx)
	p, err := m.Plugin(wasm.PluginConfig{
		Name: "plugin", Configuration: t.Config, Timeout: t.Timeout, MinLevel: t.MinLevel,
		Log: func(r wasm.Record) { out.Logs = append(out.Logs, r) },
	})
	if err != nil {
		return out, err
	}
	defer p.Close()
	host := &trialHost{known: t.Properties}
	s, err := p.Stream(host)
	if err != nil {
		return out, err
	}
	err = t.exchange(s, host, out)
	return out, errors.Join(err, s.Close())
}

func (t *Trial) exchange(s *wasm.Stream, host *trialHost, out *Outcome) error {
	policy := extension.PluginPolicy(t.Kind)
	q := extension.NewRequest(t.Request, policy, nil)
	host.facts.request(q)
	_, err := s.RequestHeaders(newRequestMap(q), len(t.RequestBody) == 0)
	out.Request = listed(newRequestMap(q))
	if err == nil {
		out.RequestBody, err = through(t.RequestBody, s.RequestBody)
	}
	if done, err := out.replied("request", err); done || err != nil {
		return err
	}
	r := extension.NewResponse(t.Response, policy, nil)
	host.facts.response(r)
	_, err = s.ResponseHeaders(newResponseMap(r), len(t.ResponseBody) == 0)
	out.Response = listed(newResponseMap(r))
	if err == nil {
		out.ResponseBody, err = through(t.ResponseBody, s.ResponseBody)
	}
	_, err = out.replied("response", err)
	return err
}

// replied takes the plugin's own answer out of an error.
func (o *Outcome) replied(where string, err error) (bool, error) {
	if errors.As(err, &o.Reply) {
		o.Where = where
		return true, nil
	}
	return false, err
}

func through(pieces [][]byte, call func(p []byte, last bool) ([]byte, wasm.Action, error)) ([]byte, error) {
	var all []byte
	for i, p := range pieces {
		changed, _, err := call(p, i == len(pieces)-1)
		if err != nil {
			return all, err
		}
		all = append(all, changed...)
	}
	return all, nil
}

func listed(h wasm.Headers) []extension.Field {
	var list []extension.Field
	for i := range h.Len() {
		name, value := h.At(i)
		list = append(list, extension.Field{Name: string(name), Value: string(value)})
	}
	return list
}
