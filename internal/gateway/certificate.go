package gateway

import (
	"crypto/tls"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/policy"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const unitCertificates = "gateway.certificates"

// certificates are what a listener serves TLS with.
type certificates struct {
	// Names are ssl_certificate resources.
	Names []string
	// Validation of client certificates, nil for none.
	Validation *lbv1.ClientValidation
}

// refProblem is a reference of a listener, or of a Gateway, that cannot be followed.
type refProblem struct {
	// reason is of the condition ResolvedRefs.
	reason  string
	message string
	// client: it is about client certificates, so the listener is not accepted either.
	client bool
}

func certificatesKey(gateway store.Ref, listener string) string {
	return gateway.String() + "|" + listener
}

func certificatesOf(v *recompute.View, gateway store.Ref, listener string) (certificates, bool) {
	c, ok, _ := recompute.Value[certificates](v, unitCertificates, certificatesKey(gateway, listener))
	return c, ok
}

// translateCertificates publishes the certificates of one listener. It holds while a reference is broken, so that the
// last good ones stay.
func translateCertificates(v *recompute.View, key string) recompute.Result {
	gatewayKey, name, _ := strings.Cut(key, "|")
	ref, _ := store.ParseRef(gatewayKey)
	gw, ok, held := ListenersOf(v, ref)
	object, found := recompute.Get[*gatewayv1.Gateway](v, ref)
	if held {
		return recompute.Result{State: recompute.Held}
	}
	if !ok || !found {
		return recompute.Result{}
	}
	for i := range object.Spec.Listeners {
		if l := &object.Spec.Listeners[i]; string(l.Name) == name {
			pems, problem := readCertificates(v, object, ref, l)
			if problem != nil {
				return recompute.Result{State: recompute.Held}
			}
			return pems.result(gw, ref, name)
		}
	}
	return recompute.Result{}
}

// listenerPEM is what a listener's references lead to.
type listenerPEM struct {
	certificates []*lbv1.SslCertificate
	// authorities of client certificates.
	authorities []byte
	validate    bool
	mode        lbv1.ClientValidation_Mode
}

func (p *listenerPEM) result(gw *Listeners, ref store.Ref, listener string) recompute.Result {
	by := owner.Of(ref)
	value := certificates{}
	result := recompute.Result{State: recompute.Present}
	for i, c := range p.certificates {
		name := gw.Scope.namer().Certificate(gw.Namespace, gw.Name, gw.Scope.variant(fmt.Sprint(listener, "/", i)))
		value.Names = append(value.Names, name)
		c.Owner = by
		result.Resources = append(result.Resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_SslCertificate{SslCertificate: c}})
	}
	if p.validate {
		name := gw.Scope.namer().Certificate(gw.Namespace, gw.Name, gw.Scope.variant(listener+"/clients"))
		value.Validation = &lbv1.ClientValidation{TrustConfigs: []string{name}, Mode: p.mode}
		result.Resources = append(result.Resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_TrustConfig{
			TrustConfig: &lbv1.TrustConfig{CaPem: p.authorities, Owner: by},
		}})
	}
	result.Value = value
	return result
}

// readCertificates follows the references of a listener: its certificates and the authorities of its clients'.
func readCertificates(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref, l *gatewayv1.Listener) (*listenerPEM, *refProblem) {
	out := &listenerPEM{}
	refs, problem := mapCertificates(v, gw, ref, l)
	if problem != nil {
		return nil, problem
	}
	if l.TLS != nil {
		refs = append(refs, l.TLS.CertificateRefs...)
		for name := range strings.SplitSeq(string(l.TLS.Options[optionCertificates]), ",") {
			if name = strings.TrimSpace(name); name != "" {
				refs = append(refs, gatewayv1.SecretObjectReference{Name: gatewayv1.ObjectName(name)})
			}
		}
	}
	if len(refs) == 0 {
		return nil, &refProblem{reason: string(gatewayv1.ListenerReasonInvalidCertificateRef), message: "the listener has no certificate"}
	}
	var problems []*refProblem
	for _, r := range refs {
		certificate, problem := readSecret(v, ref, r, string(gatewayv1.ListenerReasonInvalidCertificateRef))
		if problem != nil {
			problems = append(problems, problem)
			continue
		}
		out.certificates = append(out.certificates, certificate)
	}
	return out, joined(append(problems, out.readClients(v, gw, ref, l.Port)...))
}

// readSecret reads a kubernetes.io/tls Secret that a Gateway refers to.
func readSecret(v *recompute.View, gateway store.Ref, r gatewayv1.SecretObjectReference, reason string) (*lbv1.SslCertificate, *refProblem) {
	namespace := gateway.Namespace
	if r.Namespace != nil {
		namespace = string(*r.Namespace)
	}
	if r.Group != nil && *r.Group != "" || r.Kind != nil && *r.Kind != kindSecret {
		return nil, &refProblem{reason: reason, message: "certificate " + string(r.Name) + ": only Secrets are supported"}
	}
	if !permitted(v, gatewayReference(gateway, kindSecret, namespace, string(r.Name))) {
		return nil, &refProblem{reason: string(gatewayv1.ListenerReasonRefNotPermitted), message: fmt.Sprintf(
			"Secret %s/%s is in another namespace and no ReferenceGrant there allows the reference", namespace, r.Name)}
	}
	name := namespace + "/" + string(r.Name)
	secret, ok := recompute.Get[*corev1.Secret](v, store.Ref{Cluster: gateway.Cluster, Kind: kindSecret, Namespace: namespace, Name: string(r.Name)})
	if !ok {
		return nil, &refProblem{reason: reason, message: fmt.Sprintf("Error GWCER102: Secret %q not found", name)}
	}
	chain, key := secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]
	if _, err := tls.X509KeyPair(chain, key); err != nil {
		return nil, &refProblem{reason: reason, message: fmt.Sprintf("Secret %q: %v", name, err)}
	}
	return &lbv1.SslCertificate{CertificateChainPem: chain, PrivateKeyPem: key}, nil
}

func gatewayReference(gateway store.Ref, kind, namespace, name string) reference {
	return reference{
		cluster: gateway.Cluster, fromKind: "Gateway", fromNamespace: gateway.Namespace,
		kind: kind, targetNamespace: namespace, toNamed: name,
	}
}

// readClients follows spec.tls.frontend for the port of a listener.
func (p *listenerPEM) readClients(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref, port int32) []*refProblem {
	validation := frontendValidation(gw, port)
	if validation == nil {
		return nil
	}
	p.validate = true
	if validation.Mode == gatewayv1.AllowInsecureFallback {
		p.mode = lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK
	}
	var problems []*refProblem
	for _, r := range validation.CACertificateRefs {
		text, problem := readClientAuthority(v, ref, r)
		if problem != nil {
			problems = append(problems, problem)
		}
		p.authorities = append(p.authorities, text...)
	}
	return problems
}

// joined makes one problem of several, nil of none: with the reason of the first, and the text of each.
func joined(problems []*refProblem) *refProblem {
	if len(problems) == 0 {
		return nil
	}
	all := *problems[0]
	for _, p := range problems[1:] {
		all.message += "; " + p.message
		all.client = all.client || p.client
	}
	return &all
}

func readClientAuthority(v *recompute.View, gateway store.Ref, r gatewayv1.ObjectReference) ([]byte, *refProblem) {
	if r.Group != "" || r.Kind != kindConfigMap && r.Kind != kindSecret {
		return nil, &refProblem{client: true, reason: string(gatewayv1.ListenerReasonInvalidCACertificateKind), message: fmt.Sprintf(
			"CA certificate %s: kind %q of group %q is not supported", r.Name, r.Kind, r.Group)}
	}
	namespace := gateway.Namespace
	if r.Namespace != nil {
		namespace = string(*r.Namespace)
	}
	if !permitted(v, gatewayReference(gateway, string(r.Kind), namespace, string(r.Name))) {
		return nil, &refProblem{client: true, reason: string(gatewayv1.ListenerReasonRefNotPermitted), message: fmt.Sprintf(
			"%s %s/%s is in another namespace and no ReferenceGrant there allows the reference", r.Kind, namespace, r.Name)}
	}
	object := store.Ref{Cluster: gateway.Cluster, Kind: string(r.Kind), Namespace: namespace, Name: string(r.Name)}
	text, err := policy.Authorities(v, object)
	if err != nil {
		return nil, &refProblem{client: true, reason: string(gatewayv1.ListenerReasonInvalidCACertificateRef), message: err.Error()}
	}
	return text, nil
}

// frontendValidation is how clients of a port are validated; what is said of the port replaces the default.
func frontendValidation(gw *gatewayv1.Gateway, port int32) *gatewayv1.FrontendTLSValidation {
	if gw.Spec.TLS == nil || gw.Spec.TLS.Frontend == nil {
		return nil
	}
	for i := range gw.Spec.TLS.Frontend.PerPort {
		if p := &gw.Spec.TLS.Frontend.PerPort[i]; p.Port == port {
			return p.TLS.Validation
		}
	}
	return gw.Spec.TLS.Frontend.Default.Validation
}

// readClientCertificate reads what a Gateway presents to backends.
func readClientCertificate(v *recompute.View, gw *gatewayv1.Gateway, ref store.Ref) (*lbv1.SslCertificate, *refProblem) {
	if gw.Spec.TLS == nil || gw.Spec.TLS.Backend == nil || gw.Spec.TLS.Backend.ClientCertificateRef == nil {
		return nil, nil
	}
	return readSecret(v, ref, *gw.Spec.TLS.Backend.ClientCertificateRef, string(gatewayv1.GatewayReasonInvalidClientCertificateRef))
}

func splitName(name string) (namespace, object string) {
	namespace, object, _ = strings.Cut(name, "/")
	return namespace, object
}
