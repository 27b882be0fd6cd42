package builtin

import (
	"net/netip"
	"slices"
	"strings"

	ingressv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/spillway-lb/spillway/internal/ingress/object"
)

func validateIngress(o *ingressv1.Ingress) field.ErrorList {
	at := field.NewPath("spec")
	var errs field.ErrorList
	if class, ok := o.Annotations[object.ClassAnnotation]; ok && o.Spec.IngressClassName != nil {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "annotations").Key(object.ClassAnnotation), class,
			"can not be set when the class field is also set"))
	}
	if len(o.Spec.Rules) == 0 && o.Spec.DefaultBackend == nil {
		errs = append(errs, field.Invalid(at, o.Spec.Rules, "either `defaultBackend` or `rules` must be specified"))
	}
	if o.Spec.DefaultBackend != nil {
		errs = append(errs, validateIngressBackend(o.Spec.DefaultBackend, at.Child("defaultBackend"))...)
	}
	for i, t := range o.Spec.TLS {
		for j, host := range t.Hosts {
			errs = append(errs, ingressHost(host, at.Child("tls").Index(i).Child("hosts").Index(j))...)
		}
	}
	for i := range o.Spec.Rules {
		errs = append(errs, validateIngressRule(&o.Spec.Rules[i], at.Child("rules").Index(i))...)
	}
	if name := o.Spec.IngressClassName; name != nil {
		errs = append(errs, invalidFor(at.Child("ingressClassName"), *name, validation.IsDNS1123Subdomain(*name))...)
	}
	return errs
}

func ingressHost(host string, at *field.Path) field.ErrorList {
	if strings.Contains(host, "*") {
		return invalidFor(at, host, validation.IsWildcardDNS1123Subdomain(host))
	}
	return invalidFor(at, host, validation.IsDNS1123Subdomain(host))
}

func validateIngressRule(r *ingressv1.IngressRule, at *field.Path) field.ErrorList {
	var errs field.ErrorList
	if r.Host != "" {
		if _, err := netip.ParseAddr(r.Host); err == nil {
			errs = append(errs, field.Invalid(at.Child("host"), r.Host, "must be a DNS name, not an IP address"))
		} else {
			errs = append(errs, ingressHost(r.Host, at.Child("host"))...)
		}
	}
	if r.HTTP == nil {
		return errs
	}
	at = at.Child("http", "paths")
	if len(r.HTTP.Paths) == 0 {
		errs = append(errs, field.Required(at, ""))
	}
	for i := range r.HTTP.Paths {
		errs = append(errs, validateIngressPath(&r.HTTP.Paths[i], at.Index(i))...)
	}
	return errs
}

func validateIngressPath(p *ingressv1.HTTPIngressPath, at *field.Path) field.ErrorList {
	errs := validateIngressBackend(&p.Backend, at.Child("backend"))
	if p.PathType == nil {
		return append(errs, field.Required(at.Child("pathType"), "pathType must be specified"))
	}
	path := at.Child("path")
	switch *p.PathType {
	case ingressv1.PathTypeExact, ingressv1.PathTypePrefix:
		if !strings.HasPrefix(p.Path, "/") {
			errs = append(errs, field.Invalid(path, p.Path, "must be an absolute path"))
		}
		for _, bad := range []string{"//", "/./", "/../", "%2f", "%2F"} {
			if strings.Contains(p.Path, bad) {
				errs = append(errs, field.Invalid(path, p.Path, "must not contain '"+bad+"'"))
			}
		}
		for _, bad := range []string{"/..", "/."} {
			if strings.HasSuffix(p.Path, bad) {
				errs = append(errs, field.Invalid(path, p.Path, "cannot end with '"+bad+"'"))
			}
		}
	case ingressv1.PathTypeImplementationSpecific:
		if p.Path != "" && !strings.HasPrefix(p.Path, "/") {
			errs = append(errs, field.Invalid(path, p.Path, "must be an absolute path"))
		}
	default:
		all := []ingressv1.PathType{ingressv1.PathTypeExact, ingressv1.PathTypeImplementationSpecific, ingressv1.PathTypePrefix}
		errs = append(errs, field.NotSupported(at.Child("pathType"), *p.PathType, all))
	}
	return errs
}

func validateIngressBackend(b *ingressv1.IngressBackend, at *field.Path) field.ErrorList {
	switch {
	case b.Resource != nil && b.Service != nil:
		return field.ErrorList{field.Invalid(at, "", "cannot set both resource and service backends")}
	case b.Resource != nil:
		var errs field.ErrorList
		for name, value := range map[string]string{"kind": b.Resource.Kind, "name": b.Resource.Name} {
			if value == "" {
				errs = append(errs, field.Required(at.Child("resource", name), ""))
			}
		}
		slices.SortFunc(errs, func(a, b *field.Error) int { return strings.Compare(a.Field, b.Field) })
		return errs
	case b.Service == nil || b.Service.Name == "":
		return field.ErrorList{field.Required(at.Child("service", "name"), "")}
	}
	at = at.Child("service")
	errs := invalidFor(at.Child("name"), b.Service.Name, validation.IsDNS1035Label(b.Service.Name))
	port, named := b.Service.Port, b.Service.Port.Name != ""
	switch {
	case named && port.Number != 0:
		errs = append(errs, field.Invalid(at, "", "cannot set both port name & port number"))
	case named:
		errs = append(errs, invalidFor(at.Child("port", "name"), port.Name, validation.IsValidPortName(port.Name))...)
	case port.Number != 0:
		errs = append(errs, portNumber(port.Number, at.Child("port", "number"))...)
	default:
		errs = append(errs, field.Required(at, "port name or number is required"))
	}
	return errs
}

func validateIngressClass(o *ingressv1.IngressClass) field.ErrorList {
	at := field.NewPath("spec", "controller")
	switch {
	case o.Spec.Controller == "":
		return field.ErrorList{field.Required(at, "")}
	case len(o.Spec.Controller) > 250:
		return field.ErrorList{field.TooLong(at, "", 250)}
	}
	domain, path, ok := strings.Cut(o.Spec.Controller, "/")
	if !ok || path == "" || len(validation.IsDNS1123Subdomain(domain)) > 0 {
		return field.ErrorList{field.Invalid(at, o.Spec.Controller, "must be a domain-prefixed path (such as \"acme.io/foo\")")}
	}
	return nil
}
