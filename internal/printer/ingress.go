package printer

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	ingressv1 "k8s.io/api/networking/v1"

	"github.com/spillway-lb/spillway/internal/kind"
)

func ingressRow(o Object, now time.Time) []string {
	in := typed[ingressv1.Ingress](o)
	ports := "80"
	if len(in.Spec.TLS) > 0 {
		ports = "80, 443"
	}
	return []string{
		in.Name, ingressClass(in), ingressHosts(in.Spec.Rules), ingressAddress(in), ports, since(in.CreationTimestamp, now),
	}
}

func ingressClass(in *ingressv1.Ingress) string {
	if name := in.Spec.IngressClassName; name != nil {
		return *name
	}
	return "<none>"
}

// maxHosts is how many hosts kubectl shows.
const maxHosts = 3

func ingressHosts(rules []ingressv1.IngressRule) string {
	var hosts []string
	for _, r := range rules {
		if r.Host == "" {
			continue
		}
		if len(hosts) == maxHosts {
			return fmt.Sprintf("%s + %d more...", strings.Join(hosts, ","), len(rules)-maxHosts)
		}
		hosts = append(hosts, r.Host)
	}
	return or(strings.Join(hosts, ","), "*")
}

func ingressAddress(in *ingressv1.Ingress) string {
	var all []string
	for _, i := range in.Status.LoadBalancer.Ingress {
		all = append(all, or(i.IP, i.Hostname))
	}
	return strings.Join(all, ",")
}

func ingressClassRow(o Object, now time.Time) []string {
	c := typed[ingressv1.IngressClass](o)
	parameters := "<none>"
	if p := c.Spec.Parameters; p != nil {
		parameters = p.Kind
		if p.APIGroup != nil {
			parameters = kind.Join(p.Kind, *p.APIGroup)
		}
		parameters += "/" + p.Name
	}
	return []string{c.Name, c.Spec.Controller, parameters, since(c.CreationTimestamp, now)}
}

// ingress prints an Ingress as kubectl does.
func (d *description) ingress(o Object, related Related) {
	in := typed[ingressv1.Ingress](o)
	d.line(0, "Name:\t%s", in.Name)
	d.labels("Labels", in.Labels)
	d.line(0, "Namespace:\t%s", in.Namespace)
	d.line(0, "Address:\t%s", ingressAddress(in))
	d.line(0, "Ingress Class:\t%s", ingressClass(in))
	backend := "<default>"
	if in.Spec.DefaultBackend != nil {
		backend = ingressBackend(in.Spec.DefaultBackend, related)
	}
	d.line(0, "Default backend:\t%s", backend)
	if len(in.Spec.TLS) > 0 {
		d.line(0, "TLS:")
		for _, t := range in.Spec.TLS {
			secret := or(t.SecretName, "SNI routes")
			if t.SecretName != "" {
				secret += " terminates"
				if len(t.Hosts) > 0 {
					secret += " " + strings.Join(t.Hosts, ",")
				}
			} else {
				secret += " " + strings.Join(t.Hosts, ",")
			}
			d.line(1, "%s", secret)
		}
	}
	d.line(0, "Rules:")
	d.line(1, "Host\tPath\tBackends")
	d.line(1, "----\t----\t--------")
	rules := 0
	for _, r := range in.Spec.Rules {
		if r.HTTP == nil {
			continue
		}
		rules++
		d.line(1, "%s\t", or(r.Host, "*"))
		for i := range r.HTTP.Paths {
			p := &r.HTTP.Paths[i]
			d.line(1, "\t%s \t%s", p.Path, ingressBackend(&p.Backend, related))
		}
	}
	if rules == 0 {
		d.line(1, "*\t*\t%s", backend)
	}
	_ = d.writer().Flush() // so that columns above and below don't align
	d.annotations(in.Annotations)
}

// ingressBackend is a backend with its endpoints, or why there is none.
func ingressBackend(b *ingressv1.IngressBackend, related Related) string {
	if r := b.Resource; r != nil {
		group := "<none>"
		if r.APIGroup != nil {
			group = *r.APIGroup
		}
		return fmt.Sprintf("APIGroup: %s, Kind: %s, Name: %s", group, r.Kind, r.Name)
	}
	if b.Service == nil {
		return "<none>"
	}
	port := b.Service.Port.Name
	if port == "" {
		port = fmt.Sprint(b.Service.Port.Number)
	}
	text := b.Service.Name + ":" + port
	i := slices.IndexFunc(related.Services, func(o Object) bool { return o.GetName() == b.Service.Name })
	if i < 0 {
		return fmt.Sprintf("%s (<error: services %q not found>)", text, b.Service.Name)
	}
	s := typed[corev1.Service](related.Services[i])
	var endpoints []Object
	for _, slice := range related.EndpointSlices {
		if slice.GetLabels()["kubernetes.io/service-name"] == s.Name {
			endpoints = append(endpoints, slice)
		}
	}
	for _, p := range s.Spec.Ports {
		if p.Name == b.Service.Port.Name && p.Name != "" || p.Port == b.Service.Port.Number {
			return fmt.Sprintf("%s (%s)", text, endpointsOf(endpoints, p.Name))
		}
	}
	return fmt.Sprintf("%s (<none>)", text)
}
