package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/pflag"

	"github.com/spillway-lb/spillway/internal/admission/registration"
	"github.com/spillway-lb/spillway/internal/ads/credentials"
	"github.com/spillway-lb/spillway/internal/serve"
)

// webhookFlags are the flags of what API servers ask before they take an object.
type webhookFlags struct {
	address, certificates, url, service string

	strict bool
}

func (f *webhookFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.address, "webhook", "", "address of the admission webhooks for API servers, such as :9443")
	flags.StringVar(&f.certificates, "webhook-cert", "", `directory with their tls.crt and tls.key, read again when they change, and the ca.crt that API servers are told;
an authority of the install's own, in the Secret INSTALL-webhook of --namespace, if empty`)
	flags.StringVar(&f.url, "webhook-url", "", "https://HOST:PORT by which API servers reach them; their configurations are made where it is given")
	flags.StringVar(&f.service, "webhook-service", "", "NAME[:PORT] of the Service in --namespace by which the config cluster's API server reaches them")
	flags.BoolVar(&f.strict, "webhook-strict", false, "refuse what Google's documentation shows GKE refusing: extensions whose Gateway, Service or endpoints are not there yet, and what the newest CRDs refuse")
}

// webhookPort is a Service's, if none is given.
const webhookPort = 443

// config is the webhook, once the flags are found to agree.
func (f *webhookFlags) config(namespace string) (serve.Webhook, error) {
	w := serve.Webhook{Address: f.address, Namespace: namespace, Strict: f.strict, Bundle: func() []byte { return nil }}
	if f.address == "" {
		if *f != (webhookFlags{}) {
			return w, errors.New("--webhook-* are about the admission webhooks that --webhook ADDRESS serves")
		}
		return w, nil
	}
	var err error
	if f.url != "" {
		if w.URL, err = registration.ParseURL(f.url); err != nil {
			return w, fmt.Errorf("--webhook-url: %w", err)
		}
	}
	if f.service != "" {
		name, port, _ := strings.Cut(f.service, ":")
		number, err := strconv.ParseUint(cmp.Or(port, strconv.Itoa(webhookPort)), 10, 16)
		if err != nil || name == "" || number == 0 {
			return w, fmt.Errorf("--webhook-service %s: it is NAME[:PORT]", f.service)
		}
		w.Service = registration.ServiceTarget(namespace, name, int32(number))
	}
	if f.certificates == "" && w.URL == nil && w.Service == nil {
		return w, errors.New("--webhook needs --webhook-url or --webhook-service, by which API servers reach it, or --webhook-cert if you register it yourself")
	}
	if f.certificates != "" {
		w.Bundle = lastRead(filepath.Join(f.certificates, "ca.crt"))
		w.Certificate, err = credentials.Certificate(filepath.Join(f.certificates, "tls.crt"), filepath.Join(f.certificates, "tls.key"))
	}
	return w, err
}

// lastRead returns what reads a file again and again: what it has when it cannot be read is what it had. Of a certificate's authority that
// is nil if there is none: API servers trust whom their hosts trust then.
func lastRead(path string) func() []byte {
	var mu sync.Mutex
	var last []byte
	return func() []byte {
		mu.Lock()
		defer mu.Unlock()
		if b, err := os.ReadFile(path); err == nil {
			last = b
		}
		return last
	}
}
