package compute

import (
	"cmp"
	"slices"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// Service is one of Google's APIs.
type Service string

// The services.
const (
	Compute         Service = "compute"
	NetworkServices Service = "networkservices"
)

// Collection is one type of resource.
type Collection struct {
	// Command is gcloud's name, such as "backend-services", Name the API's, "backendServices".
	Command, Name string
	Service       Service
	// Kind is what the API calls a member, without "compute#"; List and Aggregated are the kinds of its lists.
	Kind, List, Aggregated string
	// Parent is the collection that members are parts of; "" for most.
	Parent string
	// Regional and Zonal say where members can be; all but a zonal one can be global.
	Regional, Zonal bool
	// Format is the table that gcloud lists, in the language of --format.
	Format string

	members func(*View, *lbv1.Resource) []Resource
}

// Collections returns every collection, in order of command.
func Collections() []Collection {
	all := append(computeCollections(), ExtensionCollections()...)
	slices.SortFunc(all, func(a, b Collection) int { return cmp.Compare(a.Command, b.Command) })
	return all
}

func computeCollections() []Collection {
	all := []Collection{
		{Command: "addresses", Name: "addresses", Kind: "address", members: addresses, Format: addressFormat},
		{Command: "backend-services", Name: "backendServices", Kind: "backendService", members: backendServices, Format: serviceFormat},
		{Command: "forwarding-rules", Name: "forwardingRules", Kind: "forwardingRule", members: forwardingRules, Format: ruleFormat},
		{Command: "health-checks", Name: "healthChecks", Kind: "healthCheck", Aggregated: "healthChecksAggregatedList", members: healthChecks, Format: checkFormat},
		{Command: "network-endpoint-groups", Name: "networkEndpointGroups", Kind: "networkEndpointGroup", Zonal: true, members: groups, Format: groupFormat},
		{Command: "ssl-certificates", Name: "sslCertificates", Kind: "sslCertificate", members: certificates, Format: certificateFormat},
		{Command: "ssl-policies", Name: "sslPolicies", Kind: "sslPolicy", List: "sslPoliciesList", Aggregated: "sslPoliciesAggregatedList", members: sslPolicies, Format: policyFormat},
		{Command: "target-http-proxies", Name: "targetHttpProxies", Kind: "targetHttpProxy", members: httpProxies, Format: httpProxyFormat},
		{Command: "target-https-proxies", Name: "targetHttpsProxies", Kind: "targetHttpsProxy", members: httpsProxies, Format: httpsProxyFormat},
		{Command: "url-maps", Name: "urlMaps", Kind: "urlMap", Aggregated: "urlMapsAggregatedList", members: urlMaps, Format: urlMapFormat},
	}
	for i := range all {
		c := &all[i]
		c.Service, c.Regional = Compute, true
		c.List, c.Aggregated = cmp.Or(c.List, c.Kind+"List"), cmp.Or(c.Aggregated, c.Kind+"AggregatedList")
	}
	return all
}

// ExtensionCollections are those that the API has in networkservices, and gcloud in service-extensions and network-services.
func ExtensionCollections() []Collection {
	return []Collection{
		{Command: "lb-route-extensions", Name: "lbRouteExtensions", Service: NetworkServices, Regional: true, members: routeExtensions, Format: extensionFormat},
		{Command: "lb-traffic-extensions", Name: "lbTrafficExtensions", Service: NetworkServices, Regional: true, members: trafficExtensions, Format: extensionFormat},
		{Command: "service-lb-policies", Name: "serviceLbPolicies", Service: NetworkServices, Regional: true, members: serviceLBPolicies, Format: lbPolicyFormat},
		{Command: "wasm-plugin-versions", Name: "versions", Parent: "wasmPlugins", Service: NetworkServices, members: pluginVersions, Format: versionFormat},
		{Command: "wasm-plugins", Name: "wasmPlugins", Service: NetworkServices, members: plugins, Format: pluginFormat},
	}
}

// The tables of gcloud's list commands.
const (
	addressFormat = "table(name, address:label='ADDRESS/RANGE', addressType:label=TYPE, purpose, network.basename(), region.basename(), " +
		"subnetwork.basename():label=SUBNET, status)"
	serviceFormat     = "table(name, backends[].group.scope().list():label=BACKENDS, protocol)"
	ruleFormat        = "table(name, region.basename(), IPAddress, IPProtocol, target.scope())"
	checkFormat       = "table(name, region.basename(), type:label=PROTOCOL)"
	groupFormat       = "table(name, location():label=LOCATION, networkEndpointType:label=ENDPOINT_TYPE, size)"
	certificateFormat = "table(name, type, creationTimestamp, expireTime, region.basename())"
	policyFormat      = "table(name, profile, minTlsVersion)"
	httpProxyFormat   = "table(name, urlMap.basename())"
	httpsProxyFormat  = "table(name, sslCertificates.basename().list():label=SSL_CERTIFICATES, urlMap.basename())"
	urlMapFormat      = "table(name, defaultService.scope(global))"

	extensionFormat = "table(name.basename(), location():label=LOCATION, forwardingRules.basename().list():label=FORWARDING_RULES, " +
		"extensionChains[].name.list():label=CHAINS)"
	lbPolicyFormat = "table(name.basename(), location():label=LOCATION, loadBalancingAlgorithm:label=ALGORITHM)"
	versionFormat  = "table(name.basename(), name.segment(5):label=WASM_PLUGIN, imageUri:label=IMAGE, imageDigest:label=DIGEST)"
	pluginFormat   = "table(name.basename(), mainVersionId:label=MAIN_VERSION, logConfig.minLogLevel:label=LOGGING)"
)

// EndpointFormat is the table of `gcloud compute network-endpoint-groups list-network-endpoints`.
const EndpointFormat = "table(networkEndpoint.instance.basename(), networkEndpoint.ipAddress, networkEndpoint.port, networkEndpoint.fqdn)"

// Lookup finds a collection by gcloud's name, in the plural or the singular.
func Lookup(name string) (Collection, bool) {
	name = strings.ToLower(name)
	return find(func(c Collection) bool { return name == c.Command || name == singular(c.Command) })
}

// ByName finds a collection by the API's name.
func ByName(service Service, name string) (Collection, bool) {
	return find(func(c Collection) bool { return c.Service == service && c.Name == name })
}

func find(fits func(Collection) bool) (Collection, bool) {
	all := Collections()
	i := slices.IndexFunc(all, fits)
	if i < 0 {
		return Collection{}, false
	}
	return all[i], true
}

// singular of "url-maps" is "url-map", of "target-http-proxies" "target-http-proxy", of "addresses" "address".
func singular(plural string) string {
	if stem, ok := strings.CutSuffix(plural, "sses"); ok {
		return stem + "ss"
	}
	if stem, ok := strings.CutSuffix(plural, "ies"); ok {
		return stem + "y"
	}
	return strings.TrimSuffix(plural, "s")
}
