package serve

import (
	"context"
	"crypto/tls"
	"time"

	admissionclient "k8s.io/client-go/kubernetes/typed/admissionregistration/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/spillway-lb/spillway/internal/admission"
	"github.com/spillway-lb/spillway/internal/admission/authority"
	"github.com/spillway-lb/spillway/internal/admission/registration"
	membercluster "github.com/spillway-lb/spillway/internal/cluster"
	negcontroller "github.com/spillway-lb/spillway/internal/neg/controller"
	"github.com/spillway-lb/spillway/internal/status"
)

// Webhook is how API servers ask before they take objects; they do not if the address is empty.
type Webhook struct {
	Address string
	// Certificate is asked at every handshake, Bundle is what signs it, in PEM, as API servers are told. Without them there is an
	// authority of the install's own.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	Bundle      func() []byte
	// Service and URL are how API servers reach it: a Service of the config cluster, a URL of all. The objects that have them ask are
	// made where one is given.
	Service, URL *registration.Target
	// Namespace is that of the authority's Secret, and of what is not asked about.
	Namespace string
	// Strict refuses what Google's documentation shows GKE refusing.
	Strict bool
}

// watchGrace is how far watches may be behind what users apply one after the other.
const watchGrace = 500 * time.Millisecond

// webhookSecret is what the authority's Secret is called, behind the install's name.
const webhookSecret = "-webhook"

// webhook is a run's part in it.
type webhook struct {
	config    *Clusters
	set       *membercluster.Set
	authority *authority.Keeper // nil: certificates are brought
	registrar *registration.Registrar
}

func newWebhook(o *clusterOrigin, now func() time.Time) (*webhook, error) {
	c := &o.config.Webhook
	w := &webhook{config: o.config, set: o.set}
	r := registration.Config{Members: w.members, Install: o.config.Install, Namespace: c.Namespace, Bundle: w.bundle, Say: o.report.say}
	if c.Address != "" {
		r.Service, r.URL = c.Service, c.URL
	}
	w.registrar = registration.New(r)
	if c.Address == "" || c.Certificate != nil {
		return w, nil
	}
	m, ok := configMember(o.members)
	if !ok {
		return w, nil
	}
	client, err := corev1client.NewForConfig(m.REST)
	if err != nil {
		return nil, err
	}
	w.authority = authority.New(authority.Config{
		Secrets: client.Secrets(c.Namespace), Name: o.config.Install + webhookSecret, Hosts: c.hosts(), Say: o.report.say, Now: now,
		Annotations: map[string]string{status.InstallAnnotation: o.config.Install},
	})
	return w, nil
}

// hosts are those by which API servers call.
func (c *Webhook) hosts() []string {
	var all []string
	for _, t := range []*registration.Target{c.Service, c.URL} {
		if t != nil {
			all = append(all, t.Hosts()...)
		}
	}
	return all
}

// bundle is what API servers are told; nothing is known while the authority's Secret is out of reach.
func (w *webhook) bundle() (pem []byte, ok bool) {
	if w.authority == nil {
		return w.config.Webhook.Bundle(), true
	}
	pem = w.authority.Bundle()
	return pem, pem != nil
}

// members are those that answer.
func (w *webhook) members() []registration.Member {
	var all []registration.Member
	for _, h := range w.set.Health() {
		m, ok := w.set.Member(h.Name)
		if !ok || h.Stale {
			continue
		}
		if client, err := admissionclient.NewForConfig(m.REST); err == nil { // who cannot be reached so is not watched either, which is told
			all = append(all, registration.Member{Name: m.Name, Home: m.ConfigCluster, Client: client})
		}
	}
	return all
}

// fresh tells whether everything of a cluster is known as it is now.
func (w *webhook) fresh(cluster string) bool {
	for _, h := range w.set.Health() {
		if h.Name == cluster {
			return !h.Stale && h.Waiting == ""
		}
	}
	return false
}

// register has the API servers ask, while this process leads.
func (w *webhook) register(ctx context.Context) {
	var wake <-chan struct{}
	if w.authority != nil {
		wake = w.authority.Changed()
	}
	w.registrar.Run(ctx, wake)
}

// serveWebhook answers API servers until the context ends.
func (s *server) serveWebhook(ctx context.Context) error {
	o, ok := s.origin.(*clusterOrigin)
	if !ok || o.config.Webhook.Address == "" {
		return nil
	}
	certificate := o.config.Webhook.Certificate
	if o.webhook.authority != nil {
		certificate = o.webhook.authority.Certificate
		go o.webhook.authority.Run(ctx)
	}
	at, err := s.admission.Listen(ctx, o.config.Webhook.Address, certificate)
	if err != nil {
		return err
	}
	s.report.say("webhook https://%s", at)
	return nil
}

// newAdmission is what answers them; nil without.
func (s *server) newAdmission() *admission.Server {
	o, ok := s.origin.(*clusterOrigin)
	if !ok || o.config.Webhook.Address == "" {
		return nil
	}
	return admission.New(admission.Config{
		Store: s.store, Foresee: s.loop.Foresee, Fresh: o.webhook.fresh, Gates: negcontroller.Gates, Strict: o.config.Webhook.Strict,
		Grace: watchGrace, Logger: s.config.Log, Now: s.config.Now,
	})
}
