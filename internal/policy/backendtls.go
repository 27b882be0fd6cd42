package policy

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// TLS is how the certificate of a backend is verified.
type TLS struct {
	Hostname string
	Names    []*lbv1.SubjectAltName
	// CAs are PEM; System adds the system's.
	CAs    []byte
	System bool
	// Invalid is why no connection may be made.
	Invalid string
}

// BackendTLS returns the BackendTLSPolicy of a target's port; nil if there is none. One that names the port goes before
// one that names none.
func BackendTLS(v *recompute.View, t Target, port string) *TLS {
	_, p := tlsWinner(v, t, port)
	if p == nil && port != "" {
		_, p = tlsWinner(v, t, "")
	}
	if p == nil {
		return nil
	}
	out := &TLS{Hostname: string(p.Spec.Validation.Hostname)}
	for _, san := range p.Spec.Validation.SubjectAltNames {
		switch san.Type {
		case gatewayv1.HostnameSubjectAltNameType:
			out.Names = append(out.Names, &lbv1.SubjectAltName{Name: &lbv1.SubjectAltName_Hostname{Hostname: string(san.Hostname)}})
		case gatewayv1.URISubjectAltNameType:
			out.Names = append(out.Names, &lbv1.SubjectAltName{Name: &lbv1.SubjectAltName_Uri{Uri: string(san.URI)}})
		}
	}
	a := readAuthorities(v, t, p)
	out.CAs, out.System = a.pem, a.system
	if !a.usable() {
		out.Invalid = "no CA certificate: " + a.message
	}
	return out
}

// tlsWinner is the oldest policy that names exactly this section of the target.
func tlsWinner(v *recompute.View, t Target, section string) (store.Ref, *gatewayv1.BackendTLSPolicy) {
	var refs []store.Ref
	var policies []*gatewayv1.BackendTLSPolicy
	for _, ref := range v.Index(index(kind.BackendTLSPolicy), t.key()) {
		p, ok := recompute.Get[*gatewayv1.BackendTLSPolicy](v, ref)
		if ok && namesSection(p, t, section) {
			refs, policies = append(refs, ref), append(policies, p)
		}
	}
	if len(refs) == 0 {
		return store.Ref{}, nil
	}
	first := 0
	for i := range refs {
		before := cmp.Or(
			policies[i].CreationTimestamp.Compare(policies[first].CreationTimestamp.Time), strings.Compare(refs[i].Name, refs[first].Name),
		)
		if before < 0 {
			first = i
		}
	}
	return refs[first], policies[first]
}

func namesSection(p *gatewayv1.BackendTLSPolicy, t Target, section string) bool {
	return slices.ContainsFunc(p.Spec.TargetRefs, func(r gatewayv1.LocalPolicyTargetReferenceWithSectionName) bool {
		return kindOf(string(r.Group), string(r.Kind)) == t.Kind && string(r.Name) == t.Name && sectionOf(r) == section
	})
}

func sectionOf(r gatewayv1.LocalPolicyTargetReferenceWithSectionName) string {
	if r.SectionName == nil {
		return ""
	}
	return string(*r.SectionName)
}

// authorities are the certificates that a policy trusts.
type authorities struct {
	pem    []byte
	system bool
	// reason and message are of the first reference that cannot be followed.
	reason  gatewayv1.PolicyConditionReason
	message string
}

func (a *authorities) usable() bool { return len(a.pem) > 0 || a.system }

func readAuthorities(v *recompute.View, t Target, p *gatewayv1.BackendTLSPolicy) authorities {
	var a authorities
	if w := p.Spec.Validation.WellKnownCACertificates; w != nil {
		if *w == gatewayv1.WellKnownCACertificatesSystem {
			a.system = true
			return a
		}
		a.fail(gatewayv1.PolicyReasonInvalid, "wellKnownCACertificates %q is not supported", *w)
	}
	for _, ref := range p.Spec.Validation.CACertificateRefs {
		if ref.Group != "" || ref.Kind != "ConfigMap" && ref.Kind != "Secret" {
			a.fail(gatewayv1.BackendTLSPolicyReasonInvalidKind, "a CA certificate cannot be of kind %q and group %q", ref.Kind, ref.Group)
			continue
		}
		object := store.Ref{Cluster: t.Cluster, Kind: string(ref.Kind), Namespace: t.Namespace, Name: string(ref.Name)}
		text, err := Authorities(v, object)
		if err != nil {
			a.fail(gatewayv1.BackendTLSPolicyReasonInvalidCACertificateRef, "%v", err)
			continue
		}
		a.pem = append(a.pem, text...)
	}
	return a
}

func (a *authorities) fail(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	if a.reason == "" {
		a.reason, a.message = reason, fmt.Sprintf(format, args...)
	}
}

// authorityKey holds the certificates in a ConfigMap or Secret.
const authorityKey = "ca.crt"

// Authorities reads the CA certificates of a ConfigMap or Secret as PEM. One that may be listed yet has the unit held.
func Authorities(v *recompute.View, ref store.Ref) ([]byte, error) {
	object := v.Get(ref)
	if object == nil && fact.Pending(v, ref.Cluster, ref.Kind) {
		v.Hold()
	}
	return ParseAuthorities(ref, object)
}

// ParseAuthorities takes the CA certificates out of a ConfigMap or Secret, nil if there is no such object.
func ParseAuthorities(ref store.Ref, object store.Object) ([]byte, error) {
	var text []byte
	switch object := object.(type) {
	case *corev1.ConfigMap:
		text = []byte(object.Data[authorityKey])
	case *corev1.Secret:
		text = object.Data[authorityKey]
	default:
		return nil, fmt.Errorf("%s %q not found", ref.Kind, ref.Namespace+"/"+ref.Name)
	}
	var out bytes.Buffer
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			return nil, fmt.Errorf("%s %q: %s: %w", ref.Kind, ref.Namespace+"/"+ref.Name, authorityKey, err)
		}
		if err := pem.Encode(&out, block); err != nil {
			return nil, err
		}
	}
	if out.Len() == 0 {
		return nil, fmt.Errorf("%s %q: no certificate under key %s", ref.Kind, ref.Namespace+"/"+ref.Name, authorityKey)
	}
	return out.Bytes(), nil
}

// maxAncestors is the Gateway API's.
const maxAncestors = 16

func translateBackendTLSPolicy(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok := recompute.Get[*gatewayv1.BackendTLSPolicy](v, ref)
	if !ok {
		return recompute.Result{}
	}
	s := tlsStatus{view: v, ref: ref, policy: p}
	status := &gatewayv1.PolicyStatus{Ancestors: s.ancestors()}
	if len(status.Ancestors) == 0 {
		return recompute.Result{State: recompute.Present}
	}
	return recompute.Result{State: recompute.Present, Writes: []recompute.Write{{Ref: ref, Part: recompute.PartStatus, Value: status}}}
}

// tlsStatus gathers the status of one BackendTLSPolicy.
type tlsStatus struct {
	view   *recompute.View
	ref    store.Ref
	policy *gatewayv1.BackendTLSPolicy
}

// ancestors are the Gateways that use a target, and the targets of which there is something to say: that they are not there,
// or that no Gateway uses them.
func (s *tlsStatus) ancestors() []gatewayv1.PolicyAncestorStatus {
	targets := map[ancestor][]Target{}
	var out []gatewayv1.PolicyAncestorStatus
	for _, r := range s.policy.Spec.TargetRefs {
		t, problem := s.target(r)
		if problem != nil {
			out = append(out, s.onTarget(r, *problem))
			continue
		}
		used := s.view.First(tallyAncestors, t.key(), maxAncestors)
		if len(used) == 0 {
			conditions := s.conditions()
			if conditions[0].Status == metav1.ConditionTrue {
				conditions[0].Message = "no Gateway of cluster " + t.Cluster + " routes to " + targetName(t)
			}
			out = append(out, s.onTarget(r, conditions...))
		}
		for _, member := range used {
			a := ancestorOf(member)
			targets[a] = append(targets[a], t)
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(targets), compareAncestors) {
		gateway := a.gateway
		group, kind, namespace := gatewayv1.Group("gateway.networking.k8s.io"), gatewayv1.Kind("Gateway"), gatewayv1.Namespace(gateway.Namespace)
		out = append(out, gatewayv1.PolicyAncestorStatus{
			AncestorRef: gatewayv1.ParentReference{
				Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(gateway.Name),
			},
			ControllerName: a.controller, Conditions: s.reconciled(s.conditions(), targets[a]),
		})
	}
	return out[:min(len(out), maxAncestors)]
}

func targetName(t Target) string { return fmt.Sprintf("%s %q", t.Kind, t.Namespace+"/"+t.Name) }

// target is what a reference names; problem is why it names nothing.
func (s *tlsStatus) target(r gatewayv1.LocalPolicyTargetReferenceWithSectionName) (t Target, problem *metav1.Condition) {
	refuse := func(reason gatewayv1.PolicyConditionReason, format string, args ...any) *metav1.Condition {
		return &metav1.Condition{
			Type: string(gatewayv1.PolicyConditionAccepted), Status: metav1.ConditionFalse, ObservedGeneration: s.policy.Generation,
			Reason: string(reason), Message: fmt.Sprintf(format, args...),
		}
	}
	t = Target{s.ref.Cluster, kindOf(string(r.Group), string(r.Kind)), s.ref.Namespace, string(r.Name)}
	switch {
	case t.Kind != Service && t.Kind != ServiceImport:
		return t, refuse(gatewayv1.PolicyReasonInvalid, "targetRefs: a BackendTLSPolicy cannot target kind %q of group %q, only Service and ServiceImport", r.Kind, r.Group)
	case !exists(s.view, t):
		return t, refuse(gatewayv1.PolicyReasonTargetNotFound, "targetRefs: %s not found", targetName(t))
	case sectionOf(r) != "" && !hasPort(s.view, t, sectionOf(r)):
		return t, refuse(gatewayv1.PolicyReasonTargetNotFound, "targetRefs: %s has no port named %q", targetName(t), sectionOf(r))
	}
	return t, nil
}

// onTarget says something of a target itself, where there is no Gateway to say it of.
func (s *tlsStatus) onTarget(r gatewayv1.LocalPolicyTargetReferenceWithSectionName, conditions ...metav1.Condition) gatewayv1.PolicyAncestorStatus {
	group, kind := r.Group, r.Kind
	return gatewayv1.PolicyAncestorStatus{
		AncestorRef:    gatewayv1.ParentReference{Group: &group, Kind: &kind, Name: r.Name, SectionName: r.SectionName},
		ControllerName: DefaultController(s.view), Conditions: conditions,
	}
}

// optionsText tells of options: there are none that change anything.
func (s *tlsStatus) optionsText() string {
	if len(s.policy.Spec.Options) == 0 {
		return ""
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(s.policy.Spec.Options)) {
		keys = append(keys, string(key))
	}
	return "options " + strings.Join(keys, ", ") + ": not supported, they change nothing"
}

func (s *tlsStatus) conditions() []metav1.Condition {
	generation := s.policy.Generation
	accepted := metav1.Condition{
		Type: string(gatewayv1.PolicyConditionAccepted), Status: metav1.ConditionTrue, ObservedGeneration: generation,
		Reason: string(gatewayv1.PolicyReasonAccepted), Message: s.optionsText(),
	}
	resolved := metav1.Condition{
		Type: string(gatewayv1.BackendTLSPolicyConditionResolvedRefs), Status: metav1.ConditionTrue, ObservedGeneration: generation,
		Reason: string(gatewayv1.BackendTLSPolicyReasonResolvedRefs),
	}
	a := readAuthorities(s.view, Target{Cluster: s.ref.Cluster, Namespace: s.ref.Namespace}, s.policy)
	if a.reason != "" {
		resolved.Status, resolved.Reason, resolved.Message = metav1.ConditionFalse, string(a.reason), a.message
	}
	if !a.usable() {
		accepted.Status, accepted.Reason = metav1.ConditionFalse, string(gatewayv1.BackendTLSPolicyReasonNoValidCACertificate)
		accepted.Message = "none of the CA certificates can be used"
	}
	if older, ok := s.conflict(); ok {
		accepted.Status, accepted.Reason = metav1.ConditionFalse, string(gatewayv1.PolicyReasonConflicted)
		accepted.Message = fmt.Sprintf("BackendTLSPolicy %q, which is older, already applies", older.Namespace+"/"+older.Name)
	}
	return []metav1.Condition{accepted, resolved}
}

// reconciled adds to the conditions whether proxies do what is written, at the targets that a Gateway uses.
func (s *tlsStatus) reconciled(conditions []metav1.Condition, targets []Target) []metav1.Condition {
	c := metav1.Condition{
		Type: conditionReconciled, Status: metav1.ConditionTrue, ObservedGeneration: s.policy.Generation, Reason: reasonReconciled,
	}
	if accepted := conditions[0]; accepted.Status != metav1.ConditionTrue {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, reasonNotInForce, accepted.Message
		return append(conditions, c)
	}
	for _, t := range targets {
		if o := attached().inForce(s.view, t); !o.ok {
			c.Status, c.Reason, c.Message = o.status(), o.reason, o.message
			break
		}
	}
	return append(conditions, c)
}

// conflict returns the policy that applies instead of this one, if there is one for every target.
func (s *tlsStatus) conflict() (older store.Ref, all bool) {
	for _, r := range s.policy.Spec.TargetRefs {
		t := Target{s.ref.Cluster, kindOf(string(r.Group), string(r.Kind)), s.ref.Namespace, string(r.Name)}
		first, _ := tlsWinner(s.view, t, sectionOf(r))
		if first == s.ref {
			return store.Ref{}, false
		}
		older, all = first, true
	}
	return older, all
}

func backendTLSTargets(ref store.Ref, o store.Object) []Target {
	p, ok := o.(*gatewayv1.BackendTLSPolicy)
	if !ok {
		return nil
	}
	var all []Target
	for _, t := range p.Spec.TargetRefs {
		if kind := kindOf(string(t.Group), string(t.Kind)); kind != "" {
			all = append(all, Target{ref.Cluster, kind, ref.Namespace, string(t.Name)})
		}
	}
	return all
}
