package main

import (
	"fmt"

	"github.com/spf13/pflag"
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
}

func (f *controllerFleet) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "fleet", "", "address that proxies in other processes connect to (spillway proxy --controller), such as :15010")
	flags.StringVar(&f.planes, "data-plane", planesEmbedded, "embedded runs a proxy for each location in this process, too; none leaves them to the fleet")
	f.tls.addFlags(flags, "proxies")
}

// config is the fleet, once the flags are found to agree.
func (f *controllerFleet) config() (serve.Fleet, error) {
	only := f.planes == planesNone
	switch {
	case !only && f.planes != planesEmbedded:
		return serve.Fleet{}, fmt.Errorf("--data-plane is %s or %s, not %q", planesEmbedded, planesNone, f.planes)
	case f.address == "" && only:
		return serve.Fleet{}, fmt.Errorf("--data-plane %s needs --fleet ADDRESS: nobody would serve", planesNone)
	case f.address == "" && (f.tls.files.Given() || f.tls.insecure):
		return serve.Fleet{}, fmt.Errorf("--fleet-* are about the proxies that --fleet ADDRESS lets connect")
	case f.address == "":
		return serve.Fleet{}, nil
	case f.tls.files.Given():
		c, err := fleetcredentials.Server(f.tls.files)
		return serve.Fleet{Address: f.address, Credentials: c, Only: only}, err
	case f.tls.insecure:
		return serve.Fleet{Address: f.address, Credentials: insecure.NewCredentials(), Only: only}, nil
	}
	return serve.Fleet{}, errNoTLS
}
