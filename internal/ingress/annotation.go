package ingress

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	ingressv1 "k8s.io/api/networking/v1"

	networkingv1beta1 "github.com/spillway-lb/spillway/api/networking/v1beta1"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// Annotations that users write on an Ingress.
const (
	annotationAllowHTTP      = "kubernetes.io/ingress.allow-http"
	annotationGlobalAddress  = "kubernetes.io/ingress.global-static-ip-name"
	annotationRegionAddress  = "kubernetes.io/ingress.regional-static-ip-name"
	annotationPreShared      = "ingress.gcp.kubernetes.io/pre-shared-cert"
	annotationManaged        = "networking.gke.io/managed-certificates"
	annotationFrontendConfig = "networking.gke.io/v1beta1.FrontendConfig"
)

// readAnnotations reads what the Ingress says beside its spec.
func (r *reader) readAnnotations() {
	said := r.object.Annotations
	if allowed, err := strconv.ParseBool(said[annotationAllowHTTP]); err == nil {
		r.plan.HTTP = allowed
	}
	r.readAddress()
	r.readCertificates()
	if name := said[annotationFrontendConfig]; name != "" {
		r.readFrontendConfig(name)
	}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if text := notObeyed(name); text != "" {
			r.say(object.ReasonUnsupported, "metadata.annotations["+name+"]", "the annotation %s is not obeyed: %s", name, text)
		}
	}
}

// readAddress reads the name of a reserved address.
func (r *reader) readAddress() {
	global, regional := r.object.Annotations[annotationGlobalAddress], r.object.Annotations[annotationRegionAddress]
	of := func(name string) string { return "metadata.annotations[" + name + "]" }
	switch internal := r.plan.Class == object.ClassInternal; {
	case global != "" && regional != "":
		r.say(object.ReasonTranslate, of(annotationRegionAddress), "error: both global-static-ip and regional-static-ip cannot be specified")
	case global != "" && internal:
		r.say(object.ReasonUnsupported, of(annotationGlobalAddress), "the annotation %s is not obeyed: an Ingress of class %s has a regional address; use %s",
			annotationGlobalAddress, object.ClassInternal, annotationRegionAddress)
	case regional != "" && !internal:
		r.say(object.ReasonUnsupported, of(annotationRegionAddress), "the annotation %s is not obeyed: an Ingress of class %s has a global address; use %s",
			annotationRegionAddress, object.ClassExternal, annotationGlobalAddress)
	}
	r.plan.Address = addressName(r.object, r.plan.Class)
}

// addressName is the name of the address that an Ingress of a class asks for, or "".
func addressName(in *ingressv1.Ingress, class string) string {
	global, regional := in.Annotations[annotationGlobalAddress], in.Annotations[annotationRegionAddress]
	switch {
	case global != "" && regional != "":
		return ""
	case class == object.ClassInternal:
		return regional
	}
	return global
}

// readCertificates lists the Secrets with certificates. Pre-shared and managed certificates, which are Google's, are Secrets
// of the name here.
func (r *reader) readCertificates() {
	for _, t := range r.object.Spec.TLS {
		r.addSecret(t.SecretName)
	}
	for name := range strings.SplitSeq(r.object.Annotations[annotationPreShared], ",") {
		r.addSecret(name)
	}
	others := len(r.plan.Secrets)
	for _, name := range managedNames(r.object) {
		r.addSecret(name)
	}
	r.plan.Managed = r.plan.Secrets[others:]
}

func (r *reader) addSecret(name string) {
	if name = strings.TrimSpace(name); name != "" && !slices.Contains(r.plan.Secrets, name) {
		r.plan.Secrets = append(r.plan.Secrets, name)
	}
}

// readFrontendConfig reads a FrontendConfig. Without it, and without what of it cannot be obeyed, the Ingress goes on.
func (r *reader) readFrontendConfig(name string) {
	field := "metadata.annotations[" + annotationFrontendConfig + "]"
	config, ok := foundAs[*networkingv1beta1.FrontendConfig](r, store.Ref{
		Cluster: r.ref.Cluster, Kind: kind.FrontendConfig, Namespace: r.ref.Namespace, Name: name,
	})
	if !ok {
		r.say(object.ReasonSync, field, "Error: no FrontendConfig for Ingress exists.")
		return
	}
	if p := config.Spec.SslPolicy; p != nil && *p != "" {
		r.plan.SSLPolicy = *p
		if _, ok := frontend.SSLPolicy(r.view, *p); !ok {
			r.say(object.ReasonSync, field, "FrontendConfig %s: sslPolicy %q is not defined: the Configuration's sslPolicies, COMPATIBLE, MODERN and RESTRICTED are",
				r.ref.Namespace+"/"+name, *p)
		}
	}
	redirect := config.Spec.RedirectToHttps
	if redirect == nil || !redirect.Enabled {
		return
	}
	if r.plan.Class == object.ClassInternal {
		r.say(object.ReasonSync, field, "error: HTTPS redirects are not supported for Ingresses of class %s", object.ClassInternal)
		return
	}
	status, known := redirectStatuses()[redirect.ResponseCodeName]
	if !known {
		status = redirectStatuses()[""]
		r.say(object.ReasonSync, field, "FrontendConfig %s: redirectToHttps.responseCodeName %q is none of MOVED_PERMANENTLY_DEFAULT, FOUND, TEMPORARY_REDIRECT and "+
			"PERMANENT_REDIRECT; requests are redirected with 301", r.ref.Namespace+"/"+name, redirect.ResponseCodeName)
	}
	r.plan.Redirect = status
}

func redirectStatuses() map[string]uint32 {
	return map[string]uint32{
		"": 301, "MOVED_PERMANENTLY_DEFAULT": 301, "FOUND": 302, "TEMPORARY_REDIRECT": 307, "PERMANENT_REDIRECT": 308,
	}
}
