package main

import (
	"fmt"
	"os/exec"
	"strings"
)

const envoyConfig = `
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: {{.Listen}}}}
    tcp_backlog_size: 4096
    filter_chains:
    - filters:
      - name: hcm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          codec_type: {{if and .HTTP2 (not .TLS)}}HTTP2{{else}}AUTO{{end}}
          generate_request_id: false
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
{{- range .Prefixes}}
              - {match: {prefix: "{{.}}"}, route: {cluster: back, timeout: 30s}}
{{- end}}
              - {match: {prefix: "/"}, route: {cluster: back, timeout: 30s}}
          http_filters:
{{- if .Calls}}
          - name: callout
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.ext_proc.v3.ExternalProcessor
              grpc_service: {envoy_grpc: {cluster_name: callout, authority: callout}, timeout: 30s}
              message_timeout: 1s
              processing_mode:
                {request_header_mode: SEND, response_header_mode: SKIP, request_body_mode: {{.Body}}, request_trailer_mode: {{.Trailers}}}
{{- end}}
{{- if .Plugs}}
          - name: plugin
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: plugin
                vm_config: {runtime: envoy.wasm.runtime.v8, code: {local: {filename: "{{.PluginFile}}"}}}
{{- end}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
{{- if .TLS}}
      transport_socket:
        name: tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [h2, http/1.1]
            tls_certificates:
            - {certificate_chain: {filename: "{{.Cert}}"}, private_key: {filename: "{{.Key}}"}}
{{- end}}
  clusters:
{{- if .Calls}}
  - name: callout
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: callout
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{.Callout}}}}}
    circuit_breakers:
      thresholds:
      - {max_connections: 50000, max_pending_requests: 50000, max_requests: 50000}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
{{- end}}
  - name: back
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: back
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{.Backend}}}}}
    circuit_breakers:
      thresholds:
      - {max_connections: 50000, max_pending_requests: 50000, max_requests: 50000}
{{- if .HTTP2Up}}
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
{{- end}}
`

func envoyVersion(o options) (string, error) {
	out, err := exec.Command(o.envoy, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("no envoy at %s; `make bench-deps` installs it", o.envoy)
	}
	_, version, _ := strings.Cut(strings.TrimSpace(string(out)), "version: ")
	return "Envoy " + version, nil
}

func envoyCommand(o options, s setup) (env, argv []string, err error) {
	if s.callout == calloutNoMatch {
		return nil, nil, errUnsupported // its conditions are another thing
	}
	if err := s.writePlugin(); err != nil {
		return nil, nil, err
	}
	file, err := render(s, "envoy.yaml", envoyConfig)
	return nil, []string{o.envoy, "--concurrency", "1", "--disable-hot-restart", "-l", "error", "-c", file}, err
}
