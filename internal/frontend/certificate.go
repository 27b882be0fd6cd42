package frontend

import (
	"crypto/tls"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
	"github.com/spillway-lb/spillway/internal/store"
)

// Certificate is a chain and its key in PEM, known to belong together.
type Certificate struct {
	ChainPEM, KeyPEM []byte
	// Secret is where they are from.
	Secret *corev1.Secret
}

// Problem is why a certificate cannot be used.
type Problem struct {
	// Permission: it is a grant that is missing, so what it was for has to end at once.
	Permission bool
	// Pending: what is missing may be on its way; the last good version stays.
	Pending bool
	Message string
}

// ReadCertificate reads a kubernetes.io/tls Secret that an owner refers to.
func ReadCertificate(v *recompute.View, cluster string, from refgrant.From, namespace, name string) (*Certificate, *Problem) {
	if problem := checkGrant(v, cluster, from, refgrant.To{Kind: kind.Secret, Namespace: namespace, Name: name}); problem != nil {
		return nil, problem
	}
	secret, ok := recompute.Get[*corev1.Secret](v, store.Ref{Cluster: cluster, Kind: kind.Secret, Namespace: namespace, Name: name})
	if !ok {
		return nil, &Problem{
			Pending: fact.Pending(v, cluster, kind.Secret),
			Message: fmt.Sprintf("Error GWCER102: Secret %q not found", namespace+"/"+name),
		}
	}
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if _, err := tls.X509KeyPair(chain, key); err != nil {
		return nil, &Problem{Message: fmt.Sprintf("Secret %q: %v", namespace+"/"+name, err)}
	}
	return &Certificate{chain, key, secret}, nil
}

// KeptCertificate is the last good version of a certificate, for as long as the owner may still refer to it; nil if it
// may not, or if there is none.
func KeptCertificate(v *recompute.View, cluster string, from refgrant.From, good store.Object) *Certificate {
	secret, ok := good.(*corev1.Secret)
	if !ok || checkGrant(v, cluster, from, refgrant.To{Kind: kind.Secret, Namespace: secret.Namespace, Name: secret.Name}) != nil {
		return nil
	}
	return &Certificate{secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey], secret}
}

// Authorities are CA certificates in PEM.
type Authorities struct {
	PEM []byte
	// Object is the ConfigMap or Secret that they are from.
	Object store.Object
}

// ReadAuthorities reads the CA certificates of a ConfigMap or Secret that an owner refers to.
func ReadAuthorities(v *recompute.View, cluster string, from refgrant.From, kind, namespace, name string) (*Authorities, *Problem) {
	if problem := checkGrant(v, cluster, from, refgrant.To{Kind: kind, Namespace: namespace, Name: name}); problem != nil {
		return nil, problem
	}
	ref := store.Ref{Cluster: cluster, Kind: kind, Namespace: namespace, Name: name}
	object := v.Get(ref)
	text, err := policy.ParseAuthorities(ref, object)
	if err != nil {
		return nil, &Problem{Pending: object == nil && fact.Pending(v, cluster, kind), Message: err.Error()}
	}
	return &Authorities{text, object}, nil
}

// KeptAuthorities are the last good version of authorities, for as long as the owner may still refer to them; nil if it may
// not, or if there is none.
func KeptAuthorities(v *recompute.View, cluster string, from refgrant.From, good store.Object) *Authorities {
	if good == nil {
		return nil
	}
	ref := store.RefTo(cluster, good)
	text, err := policy.ParseAuthorities(ref, good)
	if err != nil || checkGrant(v, cluster, from, refgrant.To{Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name}) != nil {
		return nil
	}
	return &Authorities{text, good}
}

func checkGrant(v *recompute.View, cluster string, from refgrant.From, to refgrant.To) *Problem {
	switch refgrant.Of(v, cluster, from, to) {
	case refgrant.Permitted:
		return nil
	case refgrant.Pending:
		return &Problem{Permission: true, Pending: true, Message: fmt.Sprintf(
			"%s %s/%s is in another namespace, whose ReferenceGrants are not known yet", to.Kind, to.Namespace, to.Name)}
	}
	return &Problem{Permission: true, Message: fmt.Sprintf(
		"%s %s/%s is in another namespace and no ReferenceGrant there allows the reference", to.Kind, to.Namespace, to.Name)}
}
