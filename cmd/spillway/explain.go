package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/explain"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/serve"
)

const explainLong = `Say what would become of a request: which listener takes it, which chains of extensions run, and why, attribute by
attribute, which host and rule of the URL map apply, why the rules before that don't, which backend services the request may
go to, and what they would get.

The URL and -H are as curl's. The URL's host is an address that is listened on, or the name itself; where several Gateways
listen for a name, --gateway chooses. Nothing is sent: the request goes through the proxy's own rules. Extensions do not run,
so what they would change about the request is not in it. Only the fields that are given are there.

A running server is asked for its configuration; --dir explains a directory of manifests instead, and --config a model, as
` + "`spillway translate`" + ` prints it. TLS clients are imagined to speak TLS 1.3, without a certificate,
and to ask for the URL's host; what a handshake would refuse, such as a client without the certificate that it needs, is not
looked at, nor is health.`

const explainExample = `  spillway explain -H 'env: canary' http://store.example.com/de
  spillway explain --dir examples/service-extensions-callout --gateway default/internal-http http://store.example.com/serviceextensions
  spillway explain -H 'Host: store.example.com' http://127.64.0.1:80/`

// explainFlags are the flags of `spillway explain`.
type explainFlags struct {
	request           explain.Request
	client            string
	dir, file, output string
	namespace         defaultNamespace
}

func newExplainCommand(c *connection) *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use: "explain URL", Short: "Say where a request would go, and why", Long: explainLong, Example: explainExample, Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.request.URL = args[0]
			return f.run(cmd, c)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&f.request.Fields, "header", "H", nil, "'Name: value'; may be repeated")
	flags.StringVarP(&f.request.Method, "request", "X", "GET", "the method")
	flags.BoolVar(&f.request.HTTP2, "http2", false, "ask as an HTTP/2 client")
	flags.StringVar(&f.request.Gateway, "gateway", "", "NAMESPACE/NAME of the Gateway that gets the request")
	flags.StringVar(&f.client, "client", "127.0.0.1", "ADDRESS[:PORT] that asks")
	flags.StringVar(&f.dir, "dir", "", "explain this directory of manifests instead of a running server")
	flags.StringVar(&f.file, "config", "", "explain this model, JSON, instead of a running server")
	flags.StringVarP(&f.output, "output", "o", "", "json; text by default")
	f.namespace.addFlag(flags)
	cmd.MarkFlagsMutuallyExclusive("dir", "config")
	return cmd
}

func (f *explainFlags) run(cmd *cobra.Command, c *connection) error {
	if f.output != "" && f.output != "json" {
		return fmt.Errorf("output format %q is not json", f.output)
	}
	var err error
	if f.request.Client, err = clientAddress(f.client); err != nil {
		return err
	}
	model, err := f.model(cmd, c)
	if err != nil {
		return err
	}
	site, err := explain.New(model)
	if err != nil {
		return err
	}
	told, err := site.Explain(f.request)
	if err != nil {
		return err
	}
	if f.output == "" {
		return told.WriteText(cmd.OutOrStdout())
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(told)
}

// clientAddress takes an address with or without a port.
func clientAddress(text string) (netip.AddrPort, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		return netip.AddrPortFrom(a, 0), nil
	}
	a, err := netip.ParseAddrPort(text)
	if err != nil {
		return a, fmt.Errorf("--client %q is no ADDRESS[:PORT]", text)
	}
	return a, nil
}

// model is that of the directory, of the file, or of the server.
func (f *explainFlags) model(cmd *cobra.Command, c *connection) (*lbv1.Model, error) {
	switch {
	case f.file != "":
		return config.LoadFile(f.file)
	case f.dir == "":
		return f.served(cmd.Context(), c)
	}
	model, problems, err := serve.Translate(f.dir, string(f.namespace), "", time.Now())
	if err == nil && manifests.HasErrors(problems) {
		printProblems(cmd.ErrOrStderr(), problems) // what is usable is explained
	}
	return model, err
}

// served asks a server, also for where it listens: not all may have port 80.
func (f *explainFlags) served(ctx context.Context, c *connection) (*lbv1.Model, error) {
	client, _, err := c.connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w\n(--dir DIR explains a directory without a server)", err)
	}
	urls, err := client.URLs(ctx)
	if err != nil {
		return nil, err
	}
	f.request.Sockets = sockets(urls)
	return client.Model(ctx)
}

func sockets(urls []control.URL) []explain.Socket {
	var out []explain.Socket
	for _, u := range urls {
		parsed, err := url.Parse(u.URL)
		if err != nil {
			continue
		}
		if at, err := netip.ParseAddrPort(parsed.Host); err == nil {
			out = append(out, explain.Socket{ForwardingRule: u.ForwardingRule, Address: at})
		}
	}
	return out
}
