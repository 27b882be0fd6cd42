package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/field"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/message"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
)

const wasmRunLong = `Show a plugin one request and one answer, and print what it makes of them.

The request and the answer are files in the form of HTTP/1.1 (a first line, fields, an empty line, a body), or their first line alone. What the
plugin logs, what it changes and what it answers by itself is printed; what a plugin must not change stays as it is, as in a proxy.
The status is 1 if the plugin crashed.`

// wasmRunFlags are the flags of `spillway wasm run`.
type wasmRunFlags struct {
	wasmFlags
	request, response string
	requestFields     []string
	responseFields    []string
	chunk             int
	properties        []string
	timeout           time.Duration
	route             bool
}

func newWasmRunCommand() *cobra.Command {
	var f wasmRunFlags
	cmd := &cobra.Command{
		Use: "run FILE", Short: "Show a plugin a request and an answer", Long: wasmRunLong, Args: exactArgs(1),
		Example: "  spillway wasm run plugin.wasm --request 'GET https://store.example.com/serviceextensions'\n" +
			"  spillway wasm run plugin.wasm --request request.txt --response response.txt --config config.json\n" +
			"  spillway wasm run plugin.wasm --request 'GET /' -H 'cookie: a=b' --response '200 OK' --property source.client_region=US",
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.request, "request", "GET /", "file, or METHOD URL")
	flags.StringVar(&f.response, "response", "200 OK", "file, or STATUS")
	flags.StringArrayVarP(&f.requestFields, "header", "H", nil, "field of the request, `name: value`; may be given several times")
	flags.StringArrayVar(&f.responseFields, "response-header", nil, "field of the answer, `name: value`")
	flags.StringArrayVar(&f.properties, "property", nil, "a property that a proxy would know, `path=value` with dots in the path")
	flags.IntVar(&f.chunk, "chunk", 0, "size of the pieces of bodies, in bytes; 0 shows them whole")
	flags.DurationVar(&f.timeout, "timeout", 10*time.Second, "how long a callback may take; proxies have "+wasm.DefaultTimeout.String())
	flags.BoolVar(&f.route, "route", false, "let the plugin change method and authority, as a routing extension may")
	return cmd
}

func (f *wasmRunFlags) run(cmd *cobra.Command, name string) error {
	code, config, err := f.read(name)
	if err != nil {
		return err
	}
	t := &plugin.Trial{Config: config, Timeout: f.timeout, Kind: extension.Traffic}
	if f.route {
		t.Kind = extension.Route
	}
	if t.Properties, err = propertyFlags(f.properties); err != nil {
		return err
	}
	if t.Request, t.RequestBody, err = f.readRequest(); err != nil {
		return fmt.Errorf("--request: %w", err)
	}
	if t.Response, t.ResponseBody, err = f.readResponse(); err != nil {
		return fmt.Errorf("--response: %w", err)
	}
	out, err := t.Run(cmd.Context(), code, f.options())
	printOutcome(cmd.OutOrStdout(), out)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func propertyFlags(list []string) (map[string]string, error) {
	properties := map[string]string{}
	for _, p := range list {
		path, value, found := strings.Cut(p, "=")
		if !found {
			return nil, fmt.Errorf("--property %q is not path=value", p)
		}
		properties[path] = value
	}
	return properties, nil
}

// readMessage takes a text apart: first line, fields, and the body in pieces.
func readMessage(text string, more []string, chunk int) (first string, fields []extension.Field, body [][]byte, err error) {
	if b, err := os.ReadFile(text); err == nil {
		text = string(b)
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	head, rest, _ := strings.Cut(text, "\n\n")
	lines := strings.Split(strings.TrimRight(head, "\n"), "\n")
	for _, line := range append(lines[1:], more...) {
		name, value, found := strings.Cut(line, ":")
		name = strings.ToLower(strings.TrimSpace(name))
		if value = strings.TrimSpace(value); !found || !field.ValidName([]byte(name)) || !field.ValidValue([]byte(value)) {
			return "", nil, nil, fmt.Errorf("%q is no field: write name: value", line)
		}
		fields = append(fields, extension.Field{Name: name, Value: value})
	}
	for rest != "" {
		n := len(rest)
		if chunk > 0 {
			n = min(n, chunk)
		}
		body, rest = append(body, []byte(rest[:n])), rest[n:]
	}
	return lines[0], fields, body, nil
}

func (f *wasmRunFlags) readRequest() (*message.Request, [][]byte, error) {
	first, fields, body, err := readMessage(f.request, f.requestFields, f.chunk)
	if err != nil {
		return nil, nil, err
	}
	words := strings.Fields(first)
	if len(words) < 2 {
		return nil, nil, fmt.Errorf("%q is neither a file nor METHOD URL", f.request)
	}
	q := &message.Request{Method: []byte(words[0]), Scheme: message.SchemeHTTPS, Authority: []byte("example.com"), Major: 1, Minor: 1}
	target := words[1]
	if scheme, rest, absolute := strings.Cut(target, "://"); absolute {
		authority, path, _ := strings.Cut(rest, "/")
		q.Scheme, q.Authority, target = []byte(scheme), []byte(authority), "/"+path
	}
	if target == "" || target[0] != '/' && target != "*" {
		return nil, nil, fmt.Errorf("%q is no URL or path", words[1])
	}
	q.Path = []byte(target)
	for _, x := range fields {
		if x.Name == "host" {
			q.Authority = []byte(x.Value)
			continue
		}
		addField(&q.Header, x)
	}
	return q, body, nil
}

func addField(m *header.Map, f extension.Field) { m.Add([]byte(f.Name), []byte(f.Value)) }

func (f *wasmRunFlags) readResponse() (*message.Response, [][]byte, error) {
	first, fields, body, err := readMessage(f.response, f.responseFields, f.chunk)
	if err != nil {
		return nil, nil, err
	}
	words := strings.Fields(strings.TrimPrefix(first, "HTTP/1.1 "))
	if len(words) == 0 {
		return nil, nil, errors.New("there is no status")
	}
	status, err := strconv.Atoi(words[0])
	if err != nil || status < 200 || status > 599 {
		return nil, nil, fmt.Errorf("%q is neither a file nor a status from 200 to 599", f.response)
	}
	r := &message.Response{Status: status}
	for _, x := range fields {
		addField(&r.Header, x)
	}
	return r, body, nil
}

func printOutcome(w io.Writer, o *plugin.Outcome) {
	for _, r := range o.Logs {
		printRecord(w, r)
	}
	printMessage(w, "request", o.Request, o.RequestBody)
	printMessage(w, "response", o.Response, o.ResponseBody)
	if o.Reply == nil {
		return
	}
	fields := []extension.Field{{Name: ":status", Value: strconv.Itoa(o.Reply.Status)}}
	for _, h := range o.Reply.Headers {
		if strings.HasPrefix(h.Name, ":") {
			continue // the status is the reply's own
		}
		fields = append(fields, extension.Field{Name: h.Name, Value: h.Value})
	}
	printMessage(w, "local response to the "+o.Where, fields, o.Reply.Body)
}

func printMessage(w io.Writer, title string, fields []extension.Field, body []byte) {
	if len(fields) == 0 {
		return
	}
	fmt.Fprintf(w, "%s\n", title)
	for _, f := range fields {
		fmt.Fprintf(w, "  %s: %s\n", f.Name, f.Value)
	}
	if len(body) > 0 {
		fmt.Fprintf(w, "\n  %s\n", strings.ReplaceAll(strings.TrimSuffix(string(body), "\n"), "\n", "\n  "))
	}
}
