package plugin

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// settings are an extension's.
type settings struct {
	name     string
	version  *Version
	failOpen bool
	full     bool
	// looksBack: the plugin runs when the exchange is over, and may ask for the answer's properties then.
	looksBack bool
	// headers, bodies and trailers say which events the plugin sees, of requests and of answers.
	headers, bodies, trailers [2]bool
}

// Extension is what runs the version in exchanges. logging is the plugin's.
func (v *Version) Extension(kind extension.Kind, spec *lbv1.Extension, logging *lbv1.PluginLogging) extension.Extension {
	s := &settings{name: spec.GetName(), version: v, failOpen: spec.GetFailOpen(), full: v.module.Profile() == wasm.Full}
	for _, e := range spec.GetEvents() {
		s.add(e)
	}
	for _, last := range []string{"proxy_on_done", "proxy_on_log", "proxy_on_delete"} {
		s.looksBack = s.looksBack || v.module.Exports(last)
	}
	v.setLogging(logging)
	return extension.Extension{
		Name: spec.GetName(), Policy: extension.PluginPolicy(kind),
		New: func(x extension.Exchange) extension.Filter { return s.filter(x) },
	}
}

func (s *settings) add(e lbv1.Extension_Event) {
	has := s.version.module.Exports
	switch e {
	case lbv1.Extension_REQUEST_HEADERS:
		s.headers[wasm.Request] = has("proxy_on_request_headers")
	case lbv1.Extension_RESPONSE_HEADERS:
		s.headers[wasm.Response] = has("proxy_on_response_headers")
	case lbv1.Extension_REQUEST_BODY:
		s.bodies[wasm.Request] = has("proxy_on_request_body")
	case lbv1.Extension_RESPONSE_BODY:
		s.bodies[wasm.Response] = has("proxy_on_response_body")
	case lbv1.Extension_REQUEST_TRAILERS:
		s.trailers[wasm.Request] = s.full && has("proxy_on_request_trailers")
	case lbv1.Extension_RESPONSE_TRAILERS:
		s.trailers[wasm.Response] = s.full && has("proxy_on_response_trailers")
	}
}

func (s *settings) filter(x extension.Exchange) *filter {
	return &filter{settings: s, x: x, failing: extension.NewFailing(x, s.failOpen), sampled: s.version.state.sampled()}
}
