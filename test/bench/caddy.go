package main

import (
	"fmt"
	"os/exec"
	"strings"
)

const caddyConfig = `
{
	admin off
	auto_https off
	log {
		output discard
	}
	servers {
		protocols h1 h2{{if and .HTTP2 (not .TLS)}} h2c{{end}}
	}
}
{{if .TLS}}https{{else}}http{{end}}://:{{.Listen}} {
	bind 127.0.0.1
{{- if .TLS}}
	tls {{.Cert}} {{.Key}}
{{- end}}
	reverse_proxy {{if .HTTP2Up}}h2c://{{end}}127.0.0.1:{{.Backend}} {
		transport http {
			keepalive_idle_conns_per_host 10000
{{- if .HTTP2Up}}
			versions h2c
{{- end}}
		}
	}
}
`

func caddyVersion(o options) (string, error) {
	out, err := exec.Command(o.caddy, "version").Output()
	if err != nil {
		return "", fmt.Errorf("no caddy at %s; `make bench-deps` builds it", o.caddy)
	}
	return "Caddy " + strings.TrimSpace(string(out)) + ", GOMAXPROCS=1", nil
}

func caddyCommand(o options, s setup) (env, argv []string, err error) {
	if s.routes > 0 {
		return nil, nil, errUnsupported
	}
	file, err := render(s, "Caddyfile", caddyConfig)
	return []string{"GOMAXPROCS=1", "XDG_CONFIG_HOME=" + s.Dir, "XDG_DATA_HOME=" + s.Dir},
		[]string{o.caddy, "run", "--config", file, "--adapter", "caddyfile"}, err
}
