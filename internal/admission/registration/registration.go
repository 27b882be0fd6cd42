// Package registration has the API servers of clusters ask a webhook: it keeps a ValidatingWebhookConfiguration and a
// MutatingWebhookConfiguration in each of them, and takes them away when nobody is to be asked any more.
//
// In: the members, how their API servers reach the webhook, and the authority of its certificate. Out: the two objects, written only where
// they differ.
//
//	r := registration.New(registration.Config{Members: members, Install: "spillway", Namespace: "spillway-system", URL: target, Bundle: bundle})
//	r.Run(ctx, nil) // while this replica leads
//
// An object of one of the names that another install made, or a user, is left alone.
package registration

import (
	"context"
	"errors"
	"time"

	client "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"

	"github.com/spillway-lb/spillway/internal/status"
)

const (
	// interval is how often the objects are looked at.
	interval = 30 * time.Second
	// requestTime bounds what is done in one cluster.
	requestTime = 10 * time.Second
)

// Member is one cluster; Home is the one that the webhook runs in.
type Member struct {
	Name   string
	Home   bool
	Client client.AdmissionregistrationV1Interface
}

// Config is who is to be asked, and by whom.
type Config struct {
	Members func() []Member
	// Install is the name of the install, Namespace where it runs: what is applied there is not asked about.
	Install, Namespace string
	// Service is how the API server of the cluster that the webhook runs in reaches it, URL how others do, and that one without a Service.
	// Where it is nil nothing is to be asked, and the objects go.
	Service, URL *Target
	// Bundle are the certificates that the webhook's is signed by, in PEM. ok is false as long as they are not known. None are those
	// that the API servers' hosts trust.
	Bundle func() (pem []byte, ok bool)
	Say    func(format string, args ...any)
}

func (c *Config) target(m Member) *Target {
	if m.Home && c.Service != nil {
		return c.Service
	}
	return c.URL
}

// Registrar keeps the objects. Make one with New.
type Registrar struct {
	config  Config
	trouble map[string]string // by cluster
	cleared map[string]bool   // by cluster
}

// New has written nothing yet.
func New(c Config) *Registrar {
	return &Registrar{config: c, trouble: map[string]string{}, cleared: map[string]bool{}}
}

// Run keeps the objects until the context ends; it looks at once when wake has a value.
func (r *Registrar) Run(ctx context.Context, wake <-chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		r.Look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-wake:
		}
	}
}

// Look looks at every cluster once.
func (r *Registrar) Look(ctx context.Context) {
	for _, m := range r.config.Members() {
		err := r.cluster(ctx, m)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != "" && text != r.trouble[m.Name] && ctx.Err() == nil {
			r.config.Say("cluster %s: webhooks: %v", m.Name, err)
		}
		r.trouble[m.Name] = text
	}
}

func (r *Registrar) cluster(ctx context.Context, m Member) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	target := r.config.target(m)
	if target == nil {
		return r.clear(ctx, m)
	}
	bundle, ok := r.config.Bundle()
	if !ok {
		return nil // whose trouble that is tells it
	}
	o := objects{config: &r.config, target: target, cluster: m.Name, bundle: bundle}
	return errors.Join(
		keep(ctx, m.Client.MutatingWebhookConfigurations(), o.mutating(), takeMutating),
		keep(ctx, m.Client.ValidatingWebhookConfigurations(), o.validating(), takeValidating),
	)
}

// clear takes the objects away, once for each cluster. Who may not do so has not made them either.
func (r *Registrar) clear(ctx context.Context, m Member) error {
	if r.cleared[m.Name] {
		return nil
	}
	err := errors.Join(
		remove(ctx, m.Client.MutatingWebhookConfigurations(), r.config.Install),
		remove(ctx, m.Client.ValidatingWebhookConfigurations(), r.config.Install),
	)
	r.cleared[m.Name] = err == nil
	return err
}

// Name is that of both objects of an install.
func Name(install string) string {
	if install == status.DefaultInstall {
		return "admission.spillway.dev"
	}
	return install + ".admission.spillway.dev"
}
