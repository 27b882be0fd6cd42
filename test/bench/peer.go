package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
)

// setup is what a peer's configuration says for one case.
type setup struct {
	benchCase
	Listen  int // port
	Backend int // port
	Admin   int // port, for peers that have one
	Callout int // port
	Dir     string
	Pair    keyPair
}

// errUnsupported: the peer cannot do this case.
var errUnsupported = errors.New("not supported by this peer")

// peer is one proxy.
type peer struct {
	name string
	// find says how the peer is called on this machine, or how to get it.
	find    func(o options) (version string, err error)
	command func(o options, s setup) (env []string, argv []string, err error)
}

var allPeers = []peer{
	{"spillway", spillwayVersion, spillwayCommand("GOMAXPROCS=1")},
	{"spillway-all", spillwayVersion, spillwayCommand()},
	{"baseline", baselineVersion, baselineCommand},
	{"haproxy", versionOf("haproxy", "-v"), haproxyCommand},
	{"nginx", versionOf("nginx", "-v"), nginxCommand},
	{"envoy", envoyVersion, envoyCommand},
	{"nethttp", func(options) (string, error) { return "net/http/httputil.ReverseProxy, GOMAXPROCS=1", nil }, reverseProxyCommand},
	{"caddy", caddyVersion, caddyCommand},
}

// findPeers prints who takes part, and who does not and why.
func findPeers(o options) []peer {
	var out []peer
	wanted := strings.Split(o.peers, ",")
	for _, p := range allPeers {
		if !slices.Contains(wanted, p.name) {
			continue
		}
		version, err := p.find(o)
		if err != nil {
			fmt.Printf("- %s: skipped: %v\n", p.name, err)
			continue
		}
		fmt.Printf("- %s: %s\n", p.name, version)
		out = append(out, p)
	}
	for _, name := range wanted {
		if !slices.ContainsFunc(allPeers, func(p peer) bool { return p.name == name }) {
			fmt.Printf("- %s: skipped: not a peer that this program knows\n", name)
		}
	}
	fmt.Println()
	return out
}

func versionOf(program string, args ...string) func(options) (string, error) {
	return func(options) (string, error) { return firstLine(program, args...) }
}

func firstLine(program string, args ...string) (string, error) {
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s not found; `make bench-deps` installs it", program)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(line); line != "" {
			return line, nil
		}
	}
	return program, nil
}

// launch starts a peer for one case.
func launch(ctx context.Context, o options, p peer, s setup) (*process, error) {
	if s.callout != noCallout && p.name != "envoy" && !strings.HasPrefix(p.name, "spillway") && p.name != "baseline" {
		return nil, errUnsupported
	}
	env, argv, err := p.command(o, s)
	if err != nil {
		return nil, err
	}
	proc, err := start(ctx, env, argv[0], argv[1:]...)
	if err != nil {
		return nil, err
	}
	if err := proc.waitListening(s.Listen); err != nil {
		proc.stop()
		return nil, err
	}
	return proc, nil
}

// render writes a configuration file from a template.
func render(s setup, name, text string) (string, error) {
	file := filepath.Join(s.Dir, name)
	f, err := os.Create(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	return file, template.Must(template.New(name).Parse(text)).Execute(f, s)
}

// Accessors for the templates.

func (s setup) TLS() bool     { return s.tls }
func (s setup) HTTP2() bool   { return s.http2 }
func (s setup) HTTP2Up() bool { return s.http2Up }
func (s setup) GRPC() bool    { return s.grpc }

// MaxConns keeps HAProxy, which counts descriptors when it starts, below the system's limit, unless the clients are idle.
func (s setup) MaxConns() int { return max(maxConns(), s.conns+100) }

// Cert, Key and Both are the files of the certificate.
func (s setup) Cert() string { return s.Pair.cert }
func (s setup) Key() string  { return s.Pair.key }
func (s setup) Both() string { return s.Pair.both }

// Prefixes are the path prefixes of the case's routes; none means one route for everything.
func (s setup) Prefixes() []string {
	var out []string
	for i := range s.routes {
		out = append(out, fmt.Sprintf("/r/%d/", i))
	}
	return out
}

// path is what clients ask for: under the last of the routes.
func (c benchCase) path() string {
	if c.routes == 0 {
		return fmt.Sprintf("/%d", c.bodyBytes)
	}
	return fmt.Sprintf("/r/%d/%d", c.routes-1, c.bodyBytes)
}
