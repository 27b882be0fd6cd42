package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/guard"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/chains"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/metrics"
	"github.com/spillway-lb/spillway/internal/proxy/outbound"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
)

const proxyLong = `Proxy is a data plane in a process of its own.

With --controller it serves what its region needs of what a controller has (see ` + "`spillway controller --fleet`" + `), and tells it
how far it has come and which endpoints are healthy. While no controller answers, what is in force stays in force; with --state
also over a restart. It is ready (/readyz of --admin) when it has a configuration.

With --config it serves a load balancer model (as ` + "`spillway translate`" + ` prints it) without a control plane. SIGHUP reads the
file again, and logs what changed. A model that cannot be used, or that would close every listener, is refused; see --allow-empty.

SIGTERM and SIGINT drain: no new connections, and the old ones end with their requests.

With --handover PATH, a second proxy started with the same path takes the listening sockets over from the first one,
which then drains: an upgrade loses no connection. If the second one cannot serve, the first one goes on.`

// proxyFlags are the flags of `spillway proxy`.
type proxyFlags struct {
	file, region, zone, admin, accessLog, handover string
	project, projectNumber                         string
	allowEmpty                                     bool
	drain                                          time.Duration
	maxConnections                                 int
	bind                                           bindAddress
	tracing                                        tracing
	fleet                                          fleetFlags
}

func newProxyCommand() *cobra.Command {
	var f proxyFlags
	cmd := &cobra.Command{
		Use: "proxy (--controller HOST:PORT | --config FILE)", Short: "Serve with the built-in data plane what a controller or a file says", Long: proxyLong, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(f.fleet.controllers) > 0 {
				return runFleetProxy(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return runProxy(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.file, "config", "", "model to serve, JSON")
	flags.StringVar(&f.region, "region", "", "region of this proxy; it serves the addresses of its region")
	flags.StringVar(&f.zone, "zone", "", "zone of this proxy")
	flags.StringVar(&f.admin, "admin", "", "address for /metrics, /readyz, /healthz and /debug/pprof, such as 127.0.0.1:0")
	flags.StringVar(&f.accessLog, "access-log", "", `file for access logs; "-" is standard output`)
	flags.StringVar(&f.project, "project", "", "id of the project that access logs name; the model names none")
	flags.StringVar(&f.projectNumber, "project-number", "", "number of the project that access logs name")
	flags.StringVar(&f.handover, "handover", "", "Unix socket over which listening sockets are handed to the next process")
	flags.BoolVar(&f.allowEmpty, "allow-empty", false, "on SIGHUP, take a model without a forwarding rule, too, which closes every listener")
	flags.DurationVar(&f.drain, "drain", 30*time.Second, "how long requests may take to end after SIGTERM")
	flags.Var(&f.bind, "bind-address", `address to listen on in place of the forwarding rules' own, such as 0.0.0.0 or ::, where the network leads those here
(a Pod behind a Service); of two rules with one port only one can be served then, and the other one is refused`)
	flags.IntVar(&f.maxConnections, "max-connections", 0,
		"connections of clients to keep open at most; 0 is half of the file descriptors that the process may have")
	f.tracing.addFlags(flags)
	f.fleet.addFlags(flags)
	cmd.MarkFlagsOneRequired("config", "controller")
	cmd.MarkFlagsMutuallyExclusive("config", "controller")
	return cmd
}

func runProxy(ctx context.Context, f proxyFlags, stdout, stderr io.Writer) error {
	ctx, stop := untilSignal(ctx, os.Exit, os.Interrupt, syscall.SIGTERM)
	defer stop()
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)

	ends, err := f.ends(ctx, stdout, stderr)
	if err != nil {
		return err
	}
	defer ends.close()
	log := ends.log
	counts := metrics.New(metrics.Options{})
	recovery := guard.New(log, counts.Panics.Inc)
	prober := health.NewProber(health.Options{Guard: recovery})
	probing := probeUntilDone(ctx, prober)
	defer probing()
	calls := outbound.New(outbound.Config{Logger: log, Metrics: counts})
	p := proxy.New(proxy.Config{
		Project: f.project, ProjectNumber: f.projectNumber,
		Location: config.Location{Region: f.region, Zone: f.zone}, Logger: log, AccessLog: ends.accessLog, Tracer: ends.tracer,
		Inherited: ends.before.sockets, BindAddress: f.bind.Addr, MaxConnections: f.maxConnections, Metrics: counts, Guard: recovery,
		Extensions: chains.Compiler{Plugins: plugin.New(plugin.Config{
			Modules: plugin.NewModules(pluginSource(ctx, f.file), wasm.Options{}), Logger: log, Metrics: counts, Services: calls,
		})}.Provider(),
		Outside: calls,
		Settle: func(next *config.Root) {
			prober.Follow(next)
			location.AwaitVerdicts(ctx, next)
		},
		OnBound: func(list []proxy.Bound) {
			for _, b := range list {
				fmt.Fprintln(stdout, b)
			}
		},
	})
	defer func() { _ = p.Close() }()
	model := &modelFile{path: f.file, allowEmpty: f.allowEmpty, proxy: p, log: log}
	if err := model.load(); err != nil {
		return err
	}
	if f.admin != "" {
		at, err := admin.Serve(ctx, f.admin, p.Metrics(), prober)
		if err != nil {
			return err
		}
		ends.tellAdmin(at)
	}
	handed, err := offerHandOver(ctx, f.handover, p)
	if err != nil {
		return err
	}
	ends.before.relieve()
	rebind := time.NewTicker(rebindEvery)
	defer rebind.Stop()
	for {
		select {
		case <-rebind.C:
			if !p.Whole() {
				_ = p.Rebind() // the proxy logs what it cannot bind
			}
		case <-reload:
			if err := model.load(); err != nil {
				log.Error("configuration not used", "file", f.file, "err", err)
			}
		case <-handed:
			return drain(p, f.drain)
		case <-ctx.Done():
			return drain(p, f.drain)
		}
	}
}

// rebindEvery is how often ports are tried again that could not be bound, or not as written.
const rebindEvery = 5 * time.Second

// probeUntilDone starts the prober. The function that it returns stops it: after draining, so that health counts for the
// requests in flight.
func probeUntilDone(ctx context.Context, prober *health.Prober) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		prober.Run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

func drain(p *proxy.Proxy, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return p.Drain(ctx)
}

func openAccessLog(name string, stdout io.Writer) (io.Writer, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return stdout, nil
	}
	return os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}
