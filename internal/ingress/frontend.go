package ingress

import (
	"fmt"
	"slices"
	"strconv"

	ingressv1 "k8s.io/api/networking/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/backend"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/frontend"
	"github.com/spillway-lb/spillway/internal/ingress/object"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/proxy/urlmap"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

const (
	portHTTP  = 80
	portHTTPS = 443
)

// addressesUnit claims what Ingresses are served at: the address that they name, or one in each location of their load
// balancer. While the one that they name cannot be had, they stay where they were. Its value is a frontend.Addresses.
type addressesUnit struct {
	options Options
}

func (u addressesUnit) translate(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	in, there := recompute.Get[*ingressv1.Ingress](v, ref)
	p, ok, held := planOf(v, key)
	if !ok || !there {
		return heldOrAbsent(held)
	}
	at := u.claim(v, ref, p, p.Address)
	if at.Unusable == "" {
		return recompute.Result{State: recompute.Present, Value: at, Good: in}
	}
	good, ok := v.Good().(*ingressv1.Ingress)
	if !ok {
		return recompute.Result{State: recompute.Present, Value: at}
	}
	at.VIPs = u.kept(v, ref, p, addressName(good, p.Class))
	return recompute.Result{State: recompute.Present, Value: at, Good: good}
}

func (u addressesUnit) claim(v *recompute.View, ref store.Ref, p *plan, name string) frontend.Addresses {
	var requests []frontend.Request
	if name == "" {
		for _, region := range p.Scope.ReadLocations(v, u.options.Home) {
			requests = append(requests, frontend.Request{Region: region})
		}
		return frontend.ReadAddresses(v, ref, requests)
	}
	literal, reserved := configuration.Address(v, name)
	if !reserved {
		return frontend.Addresses{Unusable: fmt.Sprintf("the given static IP name %s doesn't translate to an existing static IP.", name)}
	}
	return frontend.ReadAddresses(v, ref, []frontend.Request{{Region: p.Scope.ReadHome(v, u.options.Home), Name: name, Literal: literal}})
}

// kept are the addresses of an Ingress that cannot have what it asks for: those of the name that it asked for before. One whose
// name nobody reserves any more keeps what its status says.
func (u addressesUnit) kept(v *recompute.View, ref store.Ref, p *plan, name string) []frontend.VIP {
	if _, reserved := configuration.Address(v, name); name == "" || reserved {
		return u.claim(v, ref, p, name).VIPs
	}
	written := v.Written(ref)
	if written == nil {
		return nil
	}
	status, ok := written.Status.(*ingressv1.IngressStatus)
	if !ok {
		return nil
	}
	var requests []frontend.Request
	for _, address := range addressesOf(status) {
		requests = append(requests, frontend.Request{Region: p.Scope.ReadHome(v, u.options.Home), Name: name, Literal: address})
	}
	return frontend.ReadAddresses(v, ref, requests).VIPs
}

// served is the value of a unitFrontend: what was made.
type served struct {
	HTTP, HTTPS frontend.Names
	// RedirectMap is the routing of HTTP if that is redirected.
	RedirectMap string
	// Certificates are ssl_certificate resources.
	Certificates []string
	// Problems are those of certificates.
	Problems []problem
}

// translateFrontend makes what listens.
func translateFrontend(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	p, ok, held := planOf(v, key)
	if !ok {
		return heldOrAbsent(held)
	}
	addresses, ok, held := recompute.Value[frontend.Addresses](v, unitAddresses, key)
	if !ok {
		return heldOrAbsent(held)
	}
	f := frontends{view: v, ref: ref, plan: p, vips: addresses.VIPs, out: &served{}}
	tls := f.certificates()
	if len(addresses.VIPs) == 0 {
		return recompute.Result{State: recompute.Present, Value: f.out, Resources: f.resources}
	}
	v.Unit(unitURLMap, key)
	if tls != nil {
		f.out.HTTPS = f.listen(portHTTPS, tls, p.names(ref).URLMap())
	}
	switch {
	case !p.HTTP:
	case p.Redirect != 0 && tls != nil:
		f.out.RedirectMap = f.redirect()
		f.out.HTTP = f.listen(portHTTP, nil, f.out.RedirectMap)
	default:
		f.out.HTTP = f.listen(portHTTP, nil, p.names(ref).URLMap())
	}
	if p.Redirect != 0 && p.HTTP && tls == nil {
		f.out.Problems = append(f.out.Problems, problem{
			Reason:  object.ReasonSync,
			Message: "redirectToHttps of the FrontendConfig is not done, and requests are answered without TLS: the Ingress has no certificate to redirect to",
		})
	}
	if !p.HTTP && tls == nil {
		f.out.Problems = append(f.out.Problems, problem{Reason: object.ReasonSync, Message: syncFailed +
			"invalid configuration: both HTTP and HTTPS are disabled (kubernetes.io/ingress.allow-http is false and there is no valid TLS configuration); " +
			"your Ingress will not be able to serve any traffic"})
	}
	return recompute.Result{State: recompute.Present, Value: f.out, Resources: f.resources}
}

// frontends makes the frontends of one Ingress.
type frontends struct {
	view      *recompute.View
	ref       store.Ref
	plan      *plan
	vips      []frontend.VIP
	out       *served
	resources []*lbv1.Resource
}

// certificates is the TLS of the Ingress, nil if it has none that can be used.
func (f *frontends) certificates() *lbv1.DownstreamTls {
	for _, secret := range f.plan.Secrets {
		c := certificateOf(f.view, f.ref, secret)
		if c.Problem != "" {
			text := "Could not find TLS certificate: " + c.Problem
			if slices.Contains(f.plan.Managed, secret) {
				text += "; nobody issues the ManagedCertificate " + strconv.Quote(secret) + " here: a TLS Secret of its name stands for it"
			}
			f.out.Problems = append(f.out.Problems, problem{Reason: object.ReasonSync, Message: text})
		}
		if c.Name != "" && !slices.Contains(f.out.Certificates, c.Name) {
			f.out.Certificates = append(f.out.Certificates, c.Name)
			f.resources = append(f.resources, c.resource(f.ref))
		}
	}
	if len(f.out.Certificates) == 0 {
		if len(f.plan.Secrets) > 0 && f.plan.HTTP {
			f.out.Problems = append(f.out.Problems, problem{Reason: object.ReasonSync, Message: "Could not find any TLS certificates. Continuing setup for the load balancer to serve HTTP only. " +
				"Note: this behavior is deprecated and will be removed in a future version of ingress-gce"})
		}
		return nil
	}
	out := tlsOf(f.out.Certificates)
	if f.plan.SSLPolicy != "" {
		frontend.SetSSLPolicy(f.view, &f.plan.SSLPolicy, out)
	}
	return out
}

// tlsOf serves certificates, each to those who ask for a name of it.
func tlsOf(certificates []string) *lbv1.DownstreamTls {
	return &lbv1.DownstreamTls{ServerNames: []*lbv1.ServerName{{Certificates: certificates}}}
}

// listen makes a forwarding rule and a target proxy.
func (f *frontends) listen(number int32, tls *lbv1.DownstreamTls, urlMap string) frontend.Names {
	n := f.plan.names(f.ref)
	port := frontend.Port{
		Owner: f.ref, Description: owner.DescribeIngress(f.ref.Namespace, f.ref.Name), Class: f.plan.Class, Scope: f.plan.Scope,
		Port: number, VIPs: f.vips, TLS: tls,
		Names: frontend.Names{ForwardingRule: n.ForwardingRule(tls != nil), TargetProxy: n.TargetProxy(tls != nil), URLMap: urlMap},
	}
	f.resources = append(f.resources, port.Resources(f.view)...)
	return port.Names
}

// redirect makes the URL map that sends every request to HTTPS.
func (f *frontends) redirect() string {
	name := f.plan.names(f.ref).RedirectMap()
	by := owner.Of(f.ref)
	rule := &lbv1.RouteRule{
		UrlMap: name, ListenerHost: anyHost, Host: anyHost, Precedence: "0", Route: f.ref.Namespace + "/" + f.ref.Name, Rule: "redirectToHttps", Owner: by,
		Match:  &lbv1.RouteMatch{Path: &lbv1.RouteMatch_Prefix{Prefix: "/"}},
		Action: &lbv1.RouteRule_Redirect{Redirect: &lbv1.Redirect{Scheme: "https", Status: f.plan.Redirect}},
	}
	f.resources = append(f.resources,
		&lbv1.Resource{Name: name, Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{
			DefaultService: backend.Default(f.view, f.plan.Scope, f.ref.Namespace, 404), ListenerHosts: []string{anyHost}, Owner: by,
			Description: owner.DescribeIngress(f.ref.Namespace, f.ref.Name),
		}}},
		&lbv1.Resource{Name: urlmap.RuleName(rule), Body: &lbv1.Resource_RouteRule{RouteRule: rule}},
	)
	return name
}
