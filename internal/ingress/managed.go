package ingress

import (
	"fmt"
	"slices"
	"strings"
	"time"

	ingressv1 "k8s.io/api/networking/v1"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// States of certificates and of their domains, as GKE names them.
const (
	managedActive       = "Active"
	managedProvisioning = "Provisioning"
	managedNotVisible   = "FailedNotVisible"
)

const (
	managedSource    = "managed-certificate-controller"
	reasonCreate     = "Create"
	reasonNotVisible = "NotIssued"
)

// indexManaged files Ingresses under the ManagedCertificates that they name.
const indexManaged = "ingress.managed"

func managedKeys(ref store.Ref, o store.Object) (keys []string) {
	in, ok := o.(*ingressv1.Ingress)
	if !ok {
		return nil
	}
	for _, name := range managedNames(in) {
		keys = append(keys, unitkey.Join(ref.Cluster, ref.Namespace, name))
	}
	return keys
}

// managedNames are the ManagedCertificates that an Ingress names.
func managedNames(in *ingressv1.Ingress) (names []string) {
	for name := range strings.SplitSeq(in.Annotations[annotationManaged], ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// translateManaged writes the status of a ManagedCertificate. Nobody issues it: a TLS Secret of its name stands for it, and a
// domain is Active if that Secret's certificate is what proxies serve for it, by every Ingress that names it.
func translateManaged(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	m, ok := recompute.Get[*networkingv1.ManagedCertificate](v, ref)
	if !ok {
		return recompute.Result{}
	}
	if fact.Pending(v, ref.Cluster, kind.Ingress) {
		return recompute.Result{State: recompute.Held}
	}
	j := managedJudge{view: v, ref: ref}
	for _, in := range v.Index(indexManaged, unitkey.Join(ref.Cluster, ref.Namespace, ref.Name)) {
		u, ours, held := readUser(v, in, ref)
		if held {
			return recompute.Result{State: recompute.Held}
		}
		if ours {
			j.users = append(j.users, u)
		}
	}
	status := j.judge(m.Spec.Domains)
	return recompute.Result{State: recompute.Present, Writes: append([]recompute.Write{
		{Ref: ref, Part: recompute.PartStatus, Value: status},
	}, j.events(m, status)...)}
}

// managedJudge says of one ManagedCertificate what is served of it.
type managedJudge struct {
	view     *recompute.View
	ref      store.Ref
	users    []*managedUser
	problems []string
}

func (j *managedJudge) judge(domains []string) *networkingv1.ManagedCertificateStatus {
	status := &networkingv1.ManagedCertificateStatus{CertificateStatus: managedActive}
	for _, u := range j.users {
		if u.Leaf != nil && status.CertificateName == "" {
			status.CertificateName, status.ExpireTime = u.Certificate.Name, u.Leaf.NotAfter.UTC().Format(time.RFC3339)
		}
		j.say(u.problem())
	}
	switch {
	case len(domains) == 0:
		j.say("spec.domains names none")
	case len(j.users) == 0:
		j.say("no Ingress that is served names it")
	}
	for _, domain := range domains {
		state := j.domain(domain)
		if state != managedActive {
			status.CertificateStatus = managedProvisioning
		}
		status.DomainStatus = append(status.DomainStatus, networkingv1.DomainStatus{Domain: domain, Status: state})
	}
	if len(domains) == 0 {
		status.CertificateStatus = managedProvisioning
	}
	return status
}

// domain is the worst that any Ingress makes of it.
func (j *managedJudge) domain(domain string) string {
	if len(j.users) == 0 {
		return managedNotVisible
	}
	all := managedActive
	for _, u := range j.users {
		state, why := u.domain(domain)
		if state == managedActive && !u.up(domain) {
			state = managedProvisioning
		}
		if why != "" {
			j.say(fmt.Sprintf("Ingress %s: %s", u.Ref.Name, why))
		}
		if state == managedNotVisible || all == managedActive {
			all = state
		}
	}
	return all
}

func (j *managedJudge) say(problem string) {
	if problem != "" {
		j.problems = append(j.problems, problem)
	}
}

// events are GKE's Create, and one of our own that says what is missing, and what to do.
func (j *managedJudge) events(m *networkingv1.ManagedCertificate, status *networkingv1.ManagedCertificateStatus) (all []recompute.Write) {
	add := func(kind, reason, message, cause string) {
		all = append(all, recompute.Write{
			Ref: j.ref, Part: recompute.PartEvent, Key: reason + "/" + message,
			Value: recompute.Event{Type: kind, Reason: reason, Message: message, Source: managedSource, Cause: cause},
		})
	}
	if status.CertificateName != "" {
		add("Normal", reasonCreate, "Create SslCertificate "+status.CertificateName, string(m.UID))
	}
	if len(j.problems) > 0 {
		add("Warning", reasonNotVisible, fmt.Sprintf("%s. Nobody issues certificates here: the TLS Secret %q of this namespace stands for this one "+
			"(kubectl create secret tls %s --cert=FILE --key=FILE) where an Ingress names it in the annotation %s",
			strings.Join(j.problems, "; "), j.ref.Name, j.ref.Name, annotationManaged), fmt.Sprint(m.Generation))
	}
	return all
}
