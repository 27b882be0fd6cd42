package main

import "os"

const haproxyConfig = `
global
  nbthread 1
  no strict-limits
  maxconn {{.MaxConns}}
  tune.ssl.default-dh-param 2048
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout client 600s
  timeout server 600s
  timeout connect 5s
frontend front
  bind 127.0.0.1:{{.Listen}} backlog 4096{{if .TLS}} ssl crt {{.Both}} alpn h2,http/1.1{{else if .HTTP2}} proto h2{{end}}
{{- if .Prefixes}}
  use_backend %[path,map_beg({{.Dir}}/routes.map)]
{{- end}}
  default_backend back
backend back
  server one 127.0.0.1:{{.Backend}} maxconn {{.MaxConns}}{{if .HTTP2Up}} proto h2{{end}}
`

const haproxyMap = `{{range .Prefixes}}{{.}} back
{{end}}`

func haproxyCommand(_ options, s setup) (env, argv []string, err error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return nil, nil, err
	}
	if _, err := render(s, "routes.map", haproxyMap); err != nil {
		return nil, nil, err
	}
	file, err := render(s, "haproxy.cfg", haproxyConfig)
	return nil, []string{"haproxy", "-db", "-f", file}, err
}
