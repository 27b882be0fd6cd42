package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/ads/client"
	fleetcredentials "github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/dataplanes"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// fleetFlags are the flags of a proxy that has controllers.
type fleetFlags struct {
	controllers           []string
	name, state, identity string
	tls                   fleetTLS
}

// fleetTLS are the flags of mutual TLS in a fleet, at both ends.
type fleetTLS struct {
	files    fleetcredentials.Files
	insecure bool
}

func (f *fleetTLS) addFlags(flags *pflag.FlagSet, peer string) {
	flags.StringVar(&f.files.Certificate, "fleet-cert", "", "certificate that is shown to "+peer+", PEM; it is read again when it changes")
	flags.StringVar(&f.files.Key, "fleet-key", "", "its key, PEM")
	flags.StringVar(&f.files.Authority, "fleet-ca", "", "certificates of the authority that "+peer+" are to have theirs from, PEM")
	flags.BoolVar(&f.insecure, "fleet-insecure", false, "no TLS in the fleet; what is sent has private keys in it")
}

// errNoTLS is the error of a fleet without certificates.
var errNoTLS = errors.New("--fleet-cert, --fleet-key and --fleet-ca are needed: what is sent has private keys in it; on a network of your own, --fleet-insecure does without")

func (f *fleetFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringSliceVar(&f.controllers, "controller", nil,
		"HOST:PORT of a controller (see spillway controller --fleet); of several, the next one is taken when one is gone")
	flags.StringVar(&f.name, "name", "", "name that tells this proxy from others of its region; the host's name if empty")
	flags.StringVar(&f.state, "state", "", "file that keeps the last good configuration for a start without a controller; it has private keys in it")
	flags.StringVar(&f.identity, "controller-name", "", "name that the controllers' certificates are for; the host that is called if empty")
	f.tls.addFlags(flags, "controllers")
}

// credentials of a proxy.
func (f *fleetFlags) credentials() (credentials.TransportCredentials, error) {
	switch {
	case f.tls.files.Given():
		return fleetcredentials.Client(f.tls.files, f.identity)
	case f.tls.insecure:
		return insecure.NewCredentials(), nil
	}
	return nil, errNoTLS
}

// check says what is wrong with the flags.
func (f *fleetFlags) check(region string) error {
	if region == "" || strings.Contains(region, "/") {
		return errors.New("--region is needed: it decides what the proxy serves")
	}
	if f.name == "" {
		host, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("--name: %w", err)
		}
		f.name = host
	}
	if strings.Contains(f.name, "/") {
		return fmt.Errorf("--name %q: there must be no / in it", f.name)
	}
	return checkAddresses("--controller", f.controllers)
}

// fleetProxy is a proxy that has controllers.
type fleetProxy struct {
	*proxyEnds
	flags  proxyFlags
	client *client.Client
	planes *dataplanes.Set
}

// runFleetProxy serves what controllers say until the context ends, and then until every request in flight is answered.
func runFleetProxy(ctx context.Context, f proxyFlags, stdout, stderr io.Writer) error {
	ctx, stop := untilSignal(ctx, os.Exit, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := f.fleet.check(f.region); err != nil {
		return err
	}
	creds, err := f.fleet.credentials()
	if err != nil {
		return err
	}
	ends, err := f.ends(ctx, stdout, stderr)
	if err != nil {
		return err
	}
	defer ends.close()
	p := &fleetProxy{flags: f, proxyEnds: ends}
	at := config.Location{Region: f.region, Zone: f.zone}
	p.client = client.New(client.Config{
		Controllers: f.fleet.controllers, Credentials: creds, Name: f.fleet.name, Location: at, Version: version(),
		State: f.fleet.state, Logger: p.log, Apply: func(tx *lbv1.Transaction) { p.planes.Apply(tx) },
	})
	p.planes = dataplanes.New(dataplanes.Config{
		Feedback: p.client, AccessLog: p.accessLog, Tracer: p.tracer, Logger: p.log,
		Project: func() (id, number string) { return f.project, f.projectNumber },
		Modules: plugin.NewModules(pluginSource(ctx, cmp.Or(f.fleet.state, "state")), wasm.Options{}),
		Sockets: dataplanes.Sockets{
			Inherited: p.before.sockets, BindAddress: f.bind.Addr, MaxConnections: f.maxConnections, OnBound: p.printBound(),
		},
	})
	p.planes.Follow([]config.Location{at})
	return p.run(ctx)
}

// run obeys controllers until the end, and drains then.
func (p *fleetProxy) run(ctx context.Context) error {
	if err := p.serveAdmin(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var client sync.WaitGroup
	client.Go(func() { p.client.Run(running) })
	// Who drains has no sockets any more, and takes no configuration: it is no part of the fleet, in which a new process may have its name.
	leave := func() {
		stop()
		client.Wait()
	}
	defer leave()
	select {
	case <-p.client.Configured():
	case <-ctx.Done():
		leave()
		return p.planes.Drain(p.flags.drain)
	}
	handed, err := offerHandOver(ctx, p.flags.handover, p.plane().Proxy)
	if err != nil {
		return err
	}
	p.before.relieve()
	select {
	case <-handed:
	case <-ctx.Done():
	}
	leave()
	return p.planes.Drain(p.flags.drain)
}

func (p *fleetProxy) plane() *dataplanes.DataPlane { return p.planes.All()[0] }

// printBound returns what prints the sockets, each once.
func (p *fleetProxy) printBound() func([]proxy.Bound) {
	said := map[string]bool{}
	return func(list []proxy.Bound) {
		now := map[string]bool{}
		for _, b := range list {
			line := b.String()
			if now[line] = true; !said[line] {
				fmt.Fprintln(p.out, line)
			}
		}
		said = now
	}
}

// serveAdmin answers probes: a proxy is ready when it has a configuration.
func (p *fleetProxy) serveAdmin(ctx context.Context) error {
	if p.flags.admin == "" {
		return nil
	}
	ready := func() error {
		select {
		case <-p.client.Configured():
			return nil
		default:
			return errors.New("no controller has sent a configuration yet")
		}
	}
	plane := p.plane()
	at, err := admin.ServeReady(ctx, p.flags.admin, ready, append(p.client.Metrics.Collectors(), plane.Proxy.Metrics(), plane.Prober)...)
	if err != nil {
		return err
	}
	p.tellAdmin(at)
	return nil
}
