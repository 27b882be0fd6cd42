package gateway

import (
	"fmt"
	"strconv"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/refgrant"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const (
	// unitCertificates is what a listener serves TLS with. It is absent as long as the listener cannot be served.
	unitCertificates = "gateway.certificates"
	// unitCertificate is one certificate of a listener, by its place among the references. It stays for as long as its
	// Secret is broken or away, and goes at once when it is not permitted any more. Its value is the resource's name.
	unitCertificate = "gateway.certificate"
	// unitAuthority is one authority of the certificates of a listener's clients, as unitCertificate is one of its own. Its
	// value is PEM, as a string.
	unitAuthority = "gateway.authority"
	// unitClients is how a listener validates the certificates of clients. Its value is a clientValidation.
	unitClients = "gateway.clients"
)

// certificates are what a listener serves TLS with.
type certificates struct {
	// Names are ssl_certificate resources.
	Names []string
	// Clients is how client certificates are validated, the zero value for not at all.
	Clients clientValidation
}

type clientValidation struct {
	// TrustConfig is the resource with the authorities.
	TrustConfig string
	Mode        lbv1.ClientValidation_Mode
}

// model is nil for no validation.
func (c clientValidation) model() *lbv1.ClientValidation {
	if c.TrustConfig == "" {
		return nil
	}
	return &lbv1.ClientValidation{TrustConfigs: []string{c.TrustConfig}, Mode: c.Mode}
}

// refProblem is a reference of a listener, or of a Gateway, that cannot be followed.
type refProblem struct {
	// reason is of the condition ResolvedRefs.
	reason  string
	message string
	// client: it is about client certificates, so the listener is not accepted either.
	client bool
	// permission: a grant is missing, so nothing is kept.
	permission bool
	// pending: what is missing may be on its way, so nothing is said of it yet.
	pending bool
}

// certificatesOf reads what a listener serves TLS with, by its ID.
func certificatesOf(v *recompute.View, gateway store.Ref, listener string) (certificates, bool) {
	c, ok := recompute.Known[certificates](v, unitCertificates, unitkey.Join(gateway.String(), listener))
	return c, ok
}

// servedListener is a listener of a Gateway as it is served.
type servedListener struct {
	// gateway and id are what keys of units about it begin with.
	gateway, id string

	gw *Listeners
	listenerSource
}

// listenerSource is a listener with what its references start from.
type listenerSource struct {
	listener *gatewayv1.Listener
	// ref is the Gateway, tls its settings of certificates of clients.
	ref store.Ref
	tls *gatewayv1.GatewayTLSConfig
	// holder is the object that the listener stands in, the Gateway or a ListenerSet, certmap the certificate map that it names.
	// What the listener refers to, the holder refers to.
	holder  store.Ref
	certmap string
}

// ofListener makes a unit about a listener: its key is a Gateway, a listener's ID and the numbers of further parts. It is
// absent while the listener is not served, and for a key of another form.
func ofListener(translate func(v *recompute.View, l servedListener, numbers []int) recompute.Result, numbers int) recompute.Translator {
	return func(v *recompute.View, key string) recompute.Result {
		parts, ok := unitkey.Split(key, 2+numbers)
		if !ok {
			return recompute.Result{}
		}
		further := make([]int, numbers)
		for i := range further {
			n, err := strconv.Atoi(parts[2+i])
			if err != nil || n < 0 {
				return recompute.Result{}
			}
			further[i] = n
		}
		l, ok, held := servedListenerOf(v, parts[0], parts[1])
		if !ok {
			return heldOrAbsent(held)
		}
		return translate(v, l, further)
	}
}

// servedListenerOf reads a listener; held tells that the reader must hold.
func servedListenerOf(v *recompute.View, gateway, id string) (l servedListener, ok, held bool) {
	l.gateway, l.id = gateway, id
	l.ref, _ = store.ParseRef(gateway)
	if l.gw, ok, held = ListenersOf(v, l.ref); !ok {
		return l, false, held
	}
	served, ok := servedOf(v, l.ref)
	if !ok {
		return l, false, false
	}
	l.holder, l.tls = l.ref, served.Spec.TLS
	set, name := setOfID(l.ref.Cluster, id)
	if set != (store.Ref{}) {
		at, ok := servedSetOf(v, set)
		if !ok || !l.gw.serves(id) {
			return l, false, false
		}
		l.holder, served = set, &at.served
	}
	l.certmap = served.Certmap
	at := indexOf(served.Spec.Listeners, gatewayv1.SectionName(name))
	if at < 0 {
		return l, false, false
	}
	l.listener = &served.Spec.Listeners[at]
	return l, true, false
}

// key is that of a unit about the listener.
func (l servedListener) key(numbers ...int) string {
	parts := []string{l.gateway, l.id}
	for _, n := range numbers {
		parts = append(parts, strconv.Itoa(n))
	}
	return unitkey.Join(parts...)
}

// certificateRefs are the certificates that the listener names.
func (l listenerSource) certificateRefs(v *recompute.View) ([]gatewayv1.SecretObjectReference, *refProblem) {
	return certificateRefs(v, l.certmap, l.holder, l.listener)
}

func translateCertificates(v *recompute.View, l servedListener, _ []int) recompute.Result {
	value := certificates{}
	refs, problem := l.certificateRefs(v)
	for i := 0; i < len(refs) || problem != nil; i++ {
		name, ok := recompute.Known[string](v, unitCertificate, l.key(i))
		if ok {
			value.Names = append(value.Names, name)
		} else if i >= len(refs) {
			break // it is not known how many there should be: those that are kept
		}
	}
	if frontendValidation(l.tls, l.listener.Port) != nil {
		clients, ok := recompute.Known[clientValidation](v, unitClients, l.key())
		if !ok {
			return recompute.Result{}
		}
		value.Clients = clients
	}
	if len(value.Names) == 0 {
		return recompute.Result{}
	}
	return recompute.Result{State: recompute.Present, Value: value}
}

func translateCertificate(v *recompute.View, l servedListener, numbers []int) recompute.Result {
	index := numbers[0]
	refs, problem := l.certificateRefs(v)
	var c *frontend.Certificate
	switch {
	case problem == nil && index >= len(refs):
		return recompute.Result{}
	case problem == nil:
		c, problem = readSecret(v, l.holder, refs[index], string(gatewayv1.ListenerReasonInvalidCertificateRef))
	}
	if problem != nil && !problem.permission {
		c = frontend.KeptCertificate(v, l.ref.Cluster, fromOf(l.holder), v.Good())
	}
	if c == nil {
		return recompute.Result{}
	}
	name := l.gw.Scope.Namer().Certificate(l.gw.Namespace, l.gw.Name, l.gw.Scope.Variant(l.id+"/"+strconv.Itoa(index)))
	return recompute.Result{State: recompute.Present, Value: name, Good: c.Secret, Resources: []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_SslCertificate{SslCertificate: &lbv1.SslCertificate{
			CertificateChainPem: c.ChainPEM, PrivateKeyPem: c.KeyPEM, Owner: owner.Of(l.ref),
		}}},
	}}
}

// translateClients takes the authorities that can be used. A listener that has none to validate its clients by is not
// served.
func translateClients(v *recompute.View, l servedListener, _ []int) recompute.Result {
	validation := frontendValidation(l.tls, l.listener.Port)
	if validation == nil {
		return recompute.Result{}
	}
	var authorities []byte
	for i := range validation.CACertificateRefs {
		text, _ := recompute.Known[string](v, unitAuthority, l.key(i))
		authorities = append(authorities, text...)
	}
	if len(authorities) == 0 {
		return recompute.Result{}
	}
	name := l.gw.Scope.Namer().Certificate(l.gw.Namespace, l.gw.Name, l.gw.Scope.Variant(l.id+"/clients"))
	value := clientValidation{TrustConfig: name, Mode: modeOf(validation)}
	return recompute.Result{State: recompute.Present, Value: value, Resources: []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_TrustConfig{TrustConfig: &lbv1.TrustConfig{CaPem: authorities, Owner: owner.Of(l.ref)}}},
	}}
}

// translateAuthority reads one authority of a listener's clients.
func translateAuthority(v *recompute.View, l servedListener, numbers []int) recompute.Result {
	validation, index := frontendValidation(l.tls, l.listener.Port), numbers[0]
	if validation == nil || index >= len(validation.CACertificateRefs) {
		return recompute.Result{}
	}
	a, problem := readClientAuthority(v, l.ref, validation.CACertificateRefs[index])
	if problem != nil && !problem.permission {
		a = frontend.KeptAuthorities(v, l.ref.Cluster, fromOf(l.ref), v.Good())
	}
	if a == nil {
		return recompute.Result{}
	}
	return recompute.Result{State: recompute.Present, Value: string(a.PEM), Good: a.Object}
}

// problem is what is wrong with the references of the listener, nil for nothing.
func (l listenerSource) problem(v *recompute.View) *refProblem {
	refs, problem := l.certificateRefs(v)
	if problem != nil {
		return problem
	}
	var problems []*refProblem
	for _, r := range refs {
		if _, problem := readSecret(v, l.holder, r, string(gatewayv1.ListenerReasonInvalidCertificateRef)); problem != nil {
			problems = append(problems, problem)
		}
	}
	if validation := frontendValidation(l.tls, l.listener.Port); validation != nil {
		for _, r := range validation.CACertificateRefs {
			if _, problem := readClientAuthority(v, l.ref, r); problem != nil {
				problems = append(problems, problem)
			}
		}
	}
	return joined(problems)
}

// certificateRefs are the certificates that a listener of the holder ref names, one at least.
func certificateRefs(
	v *recompute.View, certmap string, ref store.Ref, l *gatewayv1.Listener,
) ([]gatewayv1.SecretObjectReference, *refProblem) {
	refs, problem := mapCertificates(v, certmap, ref, l)
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
	return refs, nil
}

// readSecret reads a kubernetes.io/tls Secret that a Gateway, or a ListenerSet, refers to.
func readSecret(v *recompute.View, from store.Ref, r gatewayv1.SecretObjectReference, reason string) (*frontend.Certificate, *refProblem) {
	namespace := from.Namespace
	if r.Namespace != nil {
		namespace = string(*r.Namespace)
	}
	if r.Group != nil && *r.Group != "" || r.Kind != nil && *r.Kind != kind.Secret {
		return nil, &refProblem{reason: reason, message: "certificate " + string(r.Name) + ": only Secrets are supported"}
	}
	c, p := frontend.ReadCertificate(v, from.Cluster, fromOf(from), namespace, string(r.Name))
	if p != nil {
		return nil, problemOf(p, reason)
	}
	return c, nil
}

// fromOf is a Gateway, or a ListenerSet, as what refers to something. Grants for the one are none for the other.
func fromOf(ref store.Ref) refgrant.From {
	return refgrant.From{Group: kind.GroupGateway, Kind: kind.Bare(ref.Kind), Namespace: ref.Namespace}
}

// problemOf gives a problem the Gateway API's reason.
func problemOf(p *frontend.Problem, reason string) *refProblem {
	if p.Permission {
		reason = string(gatewayv1.ListenerReasonRefNotPermitted)
	}
	return &refProblem{reason: reason, message: p.Message, permission: p.Permission, pending: p.Pending}
}

func modeOf(validation *gatewayv1.FrontendTLSValidation) lbv1.ClientValidation_Mode {
	if validation.Mode == gatewayv1.AllowInsecureFallback {
		return lbv1.ClientValidation_ALLOW_INSECURE_FALLBACK
	}
	return lbv1.ClientValidation_REQUIRE_VALID
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
		all.permission = all.permission || p.permission
		all.pending = all.pending || p.pending
	}
	return &all
}

func readClientAuthority(v *recompute.View, gateway store.Ref, r gatewayv1.ObjectReference) (*frontend.Authorities, *refProblem) {
	if r.Group != "" || r.Kind != kind.ConfigMap && r.Kind != kind.Secret {
		return nil, &refProblem{client: true, reason: string(gatewayv1.ListenerReasonInvalidCACertificateKind), message: fmt.Sprintf(
			"CA certificate %s: kind %q of group %q is not supported", r.Name, r.Kind, r.Group)}
	}
	namespace := gateway.Namespace
	if r.Namespace != nil {
		namespace = string(*r.Namespace)
	}
	a, p := frontend.ReadAuthorities(v, gateway.Cluster, fromOf(gateway), string(r.Kind), namespace, string(r.Name))
	if p != nil {
		problem := problemOf(p, string(gatewayv1.ListenerReasonInvalidCACertificateRef))
		problem.client = true
		return nil, problem
	}
	return a, nil
}

// frontendValidation is how clients of a port are validated; what is said of the port replaces the default.
func frontendValidation(tls *gatewayv1.GatewayTLSConfig, port int32) *gatewayv1.FrontendTLSValidation {
	if tls == nil || tls.Frontend == nil {
		return nil
	}
	for i := range tls.Frontend.PerPort {
		if p := &tls.Frontend.PerPort[i]; p.Port == port {
			return p.TLS.Validation
		}
	}
	return tls.Frontend.Default.Validation
}

// readClientCertificate reads what a Gateway presents to backends.
func readClientCertificate(v *recompute.View, spec *gatewayv1.GatewaySpec, ref store.Ref) (*frontend.Certificate, *refProblem) {
	if spec.TLS == nil || spec.TLS.Backend == nil || spec.TLS.Backend.ClientCertificateRef == nil {
		return nil, nil
	}
	return readSecret(v, ref, *spec.TLS.Backend.ClientCertificateRef, string(gatewayv1.GatewayReasonInvalidClientCertificateRef))
}

// translateClientCertificate is the unit by which backends read what their scope's Gateway presents to them.
func translateClientCertificate(v *recompute.View, key string) recompute.Result {
	cluster, client, _ := backend.ParseClientKey(key)
	namespace, name, ok := strings.Cut(client, "/")
	ref := store.Ref{Cluster: cluster, Kind: kind.Gateway, Namespace: namespace, Name: name}
	at, found := servedOf(v, ref)
	if !ok || !found {
		return recompute.Result{}
	}
	c, problem := readClientCertificate(v, &at.Spec, ref)
	if problem != nil && !problem.permission {
		c = frontend.KeptCertificate(v, cluster, fromOf(ref), v.Good())
	}
	if c == nil {
		return heldOrAbsent(problem != nil && problem.pending)
	}
	value := &backend.ClientCertificate{ChainPEM: c.ChainPEM, KeyPEM: c.KeyPEM}
	return recompute.Result{State: recompute.Present, Value: value, Good: c.Secret}
}
