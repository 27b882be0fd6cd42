package ingress

import (
	"crypto/tls"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// unitCertificate is the certificate of a Secret. Its key is the Ingress and the Secret's name, its value a certificate. One
// that breaks, or goes, stays as it was.
const unitCertificate = "ingress.certificate"

type certificate struct {
	// Name is that of the resource, "" if there is none.
	Name string
	// Problem is why the Secret, as it is, cannot be used, or "".
	Problem string
	// Chain and Key are PEM.
	Chain, Key []byte
}

// certificateOf reads the certificate of a Secret. As long as that is not known the reader holds.
func certificateOf(v *recompute.View, ref store.Ref, secret string) certificate {
	c, _ := recompute.Known[certificate](v, unitCertificate, unitkey.Join(ref.String(), secret))
	return c
}

func translateCertificate(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	ref, _ := store.ParseRef(parts[0])
	p, ok, held := planOf(v, parts[0])
	if !ok {
		return heldOrAbsent(held)
	}
	secret, err := readSecret(v, ref, parts[1])
	value := certificate{}
	if err != nil {
		waits := mayCome(v, ref, parts[1])
		if !waits {
			value.Problem = err.Error()
		}
		if secret, ok = v.Good().(*corev1.Secret); !ok && waits {
			return recompute.Result{State: recompute.Held}
		} else if !ok {
			return recompute.Result{State: recompute.Present, Value: value}
		}
	}
	value.Chain, value.Key = secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	value.Name = p.names(ref).Certificate(string(value.Chain))
	return recompute.Result{State: recompute.Present, Value: value, Good: secret}
}

// resource is the certificate in the model. Secrets of one Ingress that hold the same certificate have the same.
func (c *certificate) resource(ref store.Ref) *lbv1.Resource {
	return &lbv1.Resource{Name: c.Name, Body: &lbv1.Resource_SslCertificate{SslCertificate: &lbv1.SslCertificate{
		CertificateChainPem: c.Chain, PrivateKeyPem: c.Key, Owner: owner.Of(ref),
	}}}
}

// mayCome tells a Secret that this process has not seen, and that may be on its way.
func mayCome(v *recompute.View, ref store.Ref, name string) bool {
	of := store.Ref{Cluster: ref.Cluster, Kind: kind.Secret, Namespace: ref.Namespace, Name: name}
	return v.Get(of) == nil && fact.Pending(v, ref.Cluster, kind.Secret) && (v.Good() == nil || v.Unseen() != nil)
}

// readSecret reads a Secret of the Ingress' namespace; errors are ingress-gce's.
func readSecret(v *recompute.View, ref store.Ref, name string) (*corev1.Secret, error) {
	secret, ok := recompute.Get[*corev1.Secret](v, store.Ref{Cluster: ref.Cluster, Kind: kind.Secret, Namespace: ref.Namespace, Name: name})
	switch {
	case !ok:
		return nil, fmt.Errorf("secret %q does not exist", name)
	case len(secret.Data[corev1.TLSCertKey]) == 0:
		return nil, fmt.Errorf("secret %q does not specify cert as string data", name)
	case len(secret.Data[corev1.TLSPrivateKeyKey]) == 0:
		return nil, fmt.Errorf("secret %q does not specify private key as string data", name)
	}
	if _, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err != nil {
		return nil, fmt.Errorf("secret %q: %w", name, err)
	}
	return secret, nil
}
