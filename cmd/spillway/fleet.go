package main

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/spf13/pflag"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	fleetcredentials "github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/serve"
)

// The values of --data-plane.
const (
	planesEmbedded = "embedded"
	planesNone     = "none"
)

// controllerFleet are the flags of whoever has proxies in other processes.
type controllerFleet struct {
	address, planes string
	tls             fleetTLS
	bound           bool
}

func (f *controllerFleet) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "fleet", "", "address that proxies in other processes connect to (spillway proxy --controller), such as :15010")
	flags.StringVar(&f.planes, "data-plane", planesEmbedded, "embedded runs a proxy for each location in this process, too; none leaves them to the fleet")
	f.tls.addFlags(flags, "proxies")
	flags.BoolVar(&f.bound, "fleet-bound", false, "refuse proxies whose certificate names no region; what a certificate names is obeyed in any case (docs/fleet.md)")
}

// config is the fleet, once the flags are found to agree.
func (f *controllerFleet) config() (serve.Fleet, error) {
	only := f.planes == planesNone
	switch {
	case !only && f.planes != planesEmbedded:
		return serve.Fleet{}, fmt.Errorf("--data-plane is %s or %s, not %q", planesEmbedded, planesNone, f.planes)
	case f.address == "" && only:
		return serve.Fleet{}, fmt.Errorf("--data-plane %s needs --fleet ADDRESS: nobody would serve", planesNone)
	case f.address == "" && (f.tls.files.Given() || f.tls.insecure || f.bound):
		return serve.Fleet{}, fmt.Errorf("--fleet-* are about the proxies that --fleet ADDRESS lets connect")
	case f.address == "":
		return serve.Fleet{}, nil
	case f.bound && !f.tls.files.Given():
		return serve.Fleet{}, fmt.Errorf("--fleet-bound is about certificates: it needs --fleet-cert, --fleet-key and --fleet-ca")
	case f.tls.files.Given() || f.tls.insecure:
		c, err := f.credentials()
		return serve.Fleet{Address: f.address, Credentials: c, Bound: f.bound, Only: only}, err
	}
	return serve.Fleet{}, errNoTLS
}

// credentials are those of a controller that is called.
func (f *controllerFleet) credentials() (credentials.TransportCredentials, error) {
	if f.tls.insecure {
		return insecure.NewCredentials(), nil
	}
	return fleetcredentials.Server(f.tls.files)
}

// replicas are the other controllers at the addresses.
func (f *controllerFleet) replicas(addresses []string) (serve.Replicas, error) {
	r := serve.Replicas{
		Addresses: addresses,
		Dial: func(host string) (credentials.TransportCredentials, error) {
			if f.tls.insecure {
				return insecure.NewCredentials(), nil
			}
			return fleetcredentials.Client(f.tls.files, host)
		},
	}
	switch {
	case len(addresses) > 0 && f.address == "":
		return r, errors.New("--replicas needs --fleet ADDRESS: replicas ask each other there")
	case len(addresses) == 0:
		return r, nil // nobody is a replica, so nobody is given what is kept
	case f.tls.insecure:
		r.Allowed = func(context.Context) error { return nil }
		return r, checkAddresses("--replicas", addresses)
	}
	var err error
	r.Allowed, err = fleetcredentials.Replica(f.tls.files)
	return r, errors.Join(err, checkAddresses("--replicas", addresses))
}

// checkAddresses says which is no HOST:PORT.
func checkAddresses(flag string, addresses []string) error {
	for _, at := range addresses {
		if _, _, err := net.SplitHostPort(at); err != nil {
			return fmt.Errorf("%s %s: %w", flag, at, err)
		}
	}
	return nil
}
