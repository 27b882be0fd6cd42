package extension

import (
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/configuration"
	"github.com/spillway-lb/spillway/internal/names"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

const unitGoogleAPI = "extension.googleapi"

// googleAPI names what stands for a Google API.
func (c *compiler) googleAPI(i, k int, host string, out *lbv1.Extension) {
	api := configuration.GoogleAPIOf(c.view, host)
	if api == nil {
		c.refer(i, k, reasonServiceNotFound, "no Configuration maps the Google API %s to an endpoint (spec.googleAPIs)", host)
		return
	}
	if _, err := api.Endpoint(); err != nil {
		c.refer(i, k, reasonInvalidService, "Google API %s: Configuration %s: %v", host, api.Owner.Name, err)
		return
	}
	token, err := api.Token(c.view)
	if err != nil {
		c.refer(i, k, reasonServiceNotFound, "Google API %s: Configuration %s: %v", host, api.Owner.Name, err)
		return
	}
	name, ok, held := recompute.Value[string](c.view, unitGoogleAPI, googleKey{c.gw.Scope, host}.String())
	if !ok || held {
		c.held = true
		return
	}
	c.services, c.unchecked = append(c.services, name), append(c.unchecked, name)
	c.need(api.Owner)
	out.Target = &lbv1.Extension_BackendService{BackendService: name}
	out.GoogleApi, out.BearerToken = host, token
}

// googleKey names what stands for an API in a scope.
type googleKey struct {
	scope scope.Scope
	host  string
}

func (k googleKey) String() string { return unitkey.Join(k.scope.String(), k.host) }

func parseGoogleKey(key string) (k googleKey, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return k, false
	}
	k.host = parts[1]
	k.scope, ok = scope.Parse(parts[0])
	return k, ok
}

// translateGoogleAPI makes a backend service of one endpoint. Its value is the name.
func translateGoogleAPI(v *recompute.View, key string) recompute.Result {
	k, ok := parseGoogleKey(key)
	if !ok {
		return recompute.Result{}
	}
	api := configuration.GoogleAPIOf(v, k.host)
	if api == nil {
		return recompute.Result{}
	}
	at, err := api.Endpoint()
	if err != nil {
		return recompute.Result{}
	}
	name := k.scope.Namer().GoogleAPI(k.host, k.scope.Variant())
	group := names.Group("global", name)
	service := &lbv1.BackendService{
		Protocol: lbv1.BackendProtocol_H2C, Backends: []*lbv1.Backend{{Group: group}}, Scheme: k.scope.Scheme, Region: k.scope.Region,
		Target: k.host, Description: "stands for " + k.host, Owner: owner.Of(api.Owner),
	}
	resources := []*lbv1.Resource{
		{Name: name, Body: &lbv1.Resource_BackendService{BackendService: service}},
		{Name: group, Body: &lbv1.Resource_NetworkEndpointGroup{NetworkEndpointGroup: &lbv1.NetworkEndpointGroup{
			Region: k.scope.Region, Zone: "global", DefaultPort: uint32(at.Port()), Shards: 1, Description: service.GetDescription(),
		}}},
		{Name: group + "/0", Body: &lbv1.Resource_EndpointShard{EndpointShard: &lbv1.EndpointShard{
			Group: group, Endpoints: []*lbv1.Endpoint{{Address: at.Addr().Unmap().String(), Port: uint32(at.Port())}},
		}}},
	}
	if api.TLS != nil {
		resources = append(resources, secureAPI(name, &api.GoogleAPI, service))
	}
	return recompute.Result{State: recompute.Present, Value: name, Resources: resources}
}

// secureAPI sets TLS, always verified, and returns the authorities.
func secureAPI(name string, api *spillwayv1alpha1.GoogleAPI, service *lbv1.BackendService) *lbv1.Resource {
	hostname := api.TLS.Hostname
	if hostname == "" {
		hostname = api.Host
	}
	service.Protocol = lbv1.BackendProtocol_HTTP2
	service.Tls = &lbv1.BackendTls{Hostname: hostname, TrustConfigs: []string{name}}
	trust := &lbv1.TrustConfig{CaPem: []byte(api.TLS.CACertificates), SystemRoots: api.TLS.CACertificates == "", Owner: service.GetOwner()}
	return &lbv1.Resource{Name: name, Body: &lbv1.Resource_TrustConfig{TrustConfig: trust}}
}
