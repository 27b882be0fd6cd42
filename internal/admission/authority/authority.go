// Package authority makes the certificate that API servers know a webhook by: it is signed by an authority of the install's own, which is
// kept with it in a Secret that all replicas share, so that nobody has to bring certificates.
//
// In: a Secret of a namespace, and the names by which the webhook is called. Out: the certificate for handshakes, and the certificates of
// the authority for API servers, both renewed long before they expire.
//
//	k := authority.New(authority.Config{Secrets: client.Secrets("spillway-system"), Name: "spillway-webhook", Hosts: hosts, Say: say, Now: time.Now})
//	go k.Run(ctx)
//	tls.Config{GetCertificate: k.Certificate} // and k.Bundle() for the API servers
//
// What is decided is decided by renew, which has no clock and no client.
package authority

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/spillway-lb/spillway/internal/status"
)

const (
	// lookInterval is how often the Secret is looked at, retryInterval after a failure.
	lookInterval  = 5 * time.Minute
	retryInterval = 5 * time.Second
	// requestTime bounds one request to the API server.
	requestTime = 10 * time.Second
)

// The fields of the Secret.
const (
	fieldCertificate  = corev1.TLSCertKey
	fieldKey          = corev1.TLSPrivateKeyKey
	fieldAuthority    = "ca.crt" // the newest one first
	fieldAuthorityKey = "ca.key"
)

// Config is where the certificate is kept, and what it is for.
type Config struct {
	Secrets corev1client.SecretInterface
	// Name is that of the Secret, Annotations are what it is marked with: one without is somebody else's.
	Name        string
	Annotations map[string]string
	// Hosts are the names and addresses by which API servers call.
	Hosts []string
	Say   func(format string, args ...any)
	Now   func() time.Time
}

// Keeper has the newest certificate. Make one with New.
type Keeper struct {
	config Config

	mu      sync.Mutex
	pair    *tls.Certificate
	bundle  []byte
	changed chan struct{}
	trouble string
}

// New has no certificate yet.
func New(c Config) *Keeper { return &Keeper{config: c, changed: make(chan struct{}, 1)} }

// errNone: the Secret could not be read or written so far.
var errNone = errors.New("there is no certificate yet")

// Certificate is tls.Config's GetCertificate.
func (k *Keeper) Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pair == nil {
		return nil, errNone
	}
	return k.pair, nil
}

// Bundle are the certificates of the authority in PEM; nil if they are not known yet.
func (k *Keeper) Bundle() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.bundle
}

// Changed has a value when Bundle has changed since it was last received from.
func (k *Keeper) Changed() <-chan struct{} { return k.changed }

// Run keeps the certificate until the context ends.
func (k *Keeper) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		err := k.Look(ctx)
		k.complain(err)
		if err != nil {
			timer.Reset(retryInterval)
		} else {
			timer.Reset(lookInterval)
		}
	}
}

// complain tells a trouble once.
func (k *Keeper) complain(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != k.trouble {
		k.config.Say("no certificate for the webhooks: Secret %s: %v", k.config.Name, err)
	}
	k.trouble = text
}

// Look takes what the Secret has, and renews it if need be. Of several replicas that do so at once one succeeds, and the others take
// what that one wrote.
func (k *Keeper) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	for {
		secret, err := k.config.Secrets.Get(ctx, k.config.Name, metav1.GetOptions{})
		missing := apierrors.IsNotFound(err)
		if err != nil && !missing {
			return err
		}
		if missing {
			secret = &corev1.Secret{
				ObjectMeta: metav1.ObjectMeta{Name: k.config.Name, Annotations: maps.Clone(k.config.Annotations)}, Type: corev1.SecretTypeTLS,
			}
		}
		for key, value := range k.config.Annotations {
			if secret.Annotations[key] != value {
				return fmt.Errorf("it has no annotation %s: %s, so it is somebody else's, and is left alone", key, value)
			}
		}
		data, err := renew(secret.Data, k.config.Hosts, k.config.Now())
		if err != nil {
			return err
		}
		if data == nil {
			return k.take(secret.Data)
		}
		next := secret.DeepCopy()
		next.Data = data
		if missing {
			_, err = k.config.Secrets.Create(ctx, next, metav1.CreateOptions{FieldManager: status.FieldManager})
		} else {
			_, err = k.config.Secrets.Update(ctx, next, metav1.UpdateOptions{FieldManager: status.FieldManager})
		}
		switch {
		case err == nil:
			return k.take(data)
		case !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err):
			return err
		}
	}
}

// take has the certificate used from now on.
func (k *Keeper) take(data map[string][]byte) error {
	pair, err := tls.X509KeyPair(data[fieldCertificate], data[fieldKey])
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pair = &pair
	if string(k.bundle) != string(data[fieldAuthority]) {
		k.bundle = data[fieldAuthority]
		select {
		case k.changed <- struct{}{}:
		default:
		}
	}
	return nil
}
