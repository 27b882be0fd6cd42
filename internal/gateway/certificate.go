package gateway

import (
	"fmt"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
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
	return unitkey.Join(gateway.String(), listener)
}

func certificatesOf(v *recompute.View, gateway store.Ref, listener string) (certificates, bool) {
	c, ok, _ := recompute.Value[certificates](v, unitCertificates, certificatesKey(gateway, listener))
	return c, ok
}

// translateCertificates publishes the certificates of one listener. It holds while a reference is broken, so that the
// last good ones stay.
func translateCertificates(v *recompute.View, key string) recompute.Result {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return recompute.Result{}
	}
	ref, _ := store.ParseRef(parts[0])
	name := parts[1]
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
		name := gw.Scope.Namer().Certificate(gw.Namespace, gw.Name, gw.Scope.Variant(fmt.Sprint(listener, "/", i)))
		value.Names = append(value.Names, name)
		c.Owner = by
		result.Resources = append(result.Resources, &lbv1.Resource{Name: name, Body: &lbv1.Resource_SslCertificate{SslCertificate: c}})
	}
	if p.validate {
		name := gw.Scope.Namer().Certificate(gw.Namespace, gw.Name, gw.Scope.Variant(listener+"/clients"))
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
	c, p := frontend.ReadCertificate(v, gateway.Cluster, gatewayFrom(gateway), namespace, string(r.Name))
	if p != nil {
		return nil, problemOf(p, reason)
	}
	return &lbv1.SslCertificate{CertificateChainPem: c.ChainPEM, PrivateKeyPem: c.KeyPEM}, nil
}

// gatewayFrom is a Gateway as what refers to something.
func gatewayFrom(gateway store.Ref) refgrant.From {
	return refgrant.From{Group: groupGateway, Kind: "Gateway", Namespace: gateway.Namespace}
}

// problemOf gives a problem the Gateway API's reason.
func problemOf(p *frontend.Problem, reason string) *refProblem {
	if p.Permission {
		reason = string(gatewayv1.ListenerReasonRefNotPermitted)
	}
	return &refProblem{reason: reason, message: p.Message}
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
	text, p := frontend.ReadAuthorities(v, gateway.Cluster, gatewayFrom(gateway), string(r.Kind), namespace, string(r.Name))
	if p != nil {
		problem := problemOf(p, string(gatewayv1.ListenerReasonInvalidCACertificateRef))
		problem.client = true
		return nil, problem
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

// translateClientCertificate is the unit by which backends read what their scope's Gateway presents to them.
func translateClientCertificate(v *recompute.View, key string) recompute.Result {
	cluster, client, _ := backend.ParseClientKey(key)
	namespace, name, ok := strings.Cut(client, "/")
	ref := store.Ref{Cluster: cluster, Kind: KindGateway, Namespace: namespace, Name: name}
	gw, found := recompute.Get[*gatewayv1.Gateway](v, ref)
	if !ok || !found {
		return recompute.Result{}
	}
	certificate, _ := readClientCertificate(v, gw, ref)
	if certificate == nil {
		return recompute.Result{}
	}
	return recompute.Result{State: recompute.Present, Value: &backend.ClientCertificate{
		ChainPEM: certificate.GetCertificateChainPem(), KeyPEM: certificate.GetPrivateKeyPem(),
	}}
}
