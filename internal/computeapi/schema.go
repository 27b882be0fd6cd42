package computeapi

import (
	"reflect"

	api "google.golang.org/api/compute/v1"
	networkservices "google.golang.org/api/networkservices/v1"

	"github.com/spillway-lb/spillway/internal/compute"
)

// typed answers know which of Google's structs they are.
type typed interface{ schema() reflect.Type }

// schemaOf is the struct of Google's that an answer is, nil if it is none.
func schemaOf(answer any) reflect.Type {
	switch a := answer.(type) {
	case compute.Resource:
		return reflect.TypeOf(a.Body())
	case typed:
		return a.schema()
	}
	return reflect.TypeOf(answer)
}

func (l *list) schema() reflect.Type { return reflect.TypeOf(listSchemas()[l.collection].list) }

func (a *aggregated) schema() reflect.Type {
	return reflect.TypeOf(listSchemas()[a.collection].aggregated)
}

func (l *locationList) schema() reflect.Type { return reflect.TypeOf(listSchemas()[l.collection].list) }

// schemas are the structs of a collection's lists.
type schemas struct{ list, aggregated any }

// listSchemas are by the API's name of the collection.
func listSchemas() map[string]schemas {
	return map[string]schemas{
		"addresses":             {api.AddressList{}, api.AddressAggregatedList{}},
		"backendServices":       {api.BackendServiceList{}, api.BackendServiceAggregatedList{}},
		"forwardingRules":       {api.ForwardingRuleList{}, api.ForwardingRuleAggregatedList{}},
		"healthChecks":          {api.HealthCheckList{}, api.HealthChecksAggregatedList{}},
		"networkEndpointGroups": {api.NetworkEndpointGroupList{}, api.NetworkEndpointGroupAggregatedList{}},
		"sslCertificates":       {api.SslCertificateList{}, api.SslCertificateAggregatedList{}},
		"sslPolicies":           {api.SslPoliciesList{}, api.SslPoliciesAggregatedList{}},
		"targetHttpProxies":     {api.TargetHttpProxyList{}, api.TargetHttpProxyAggregatedList{}},
		"targetHttpsProxies":    {api.TargetHttpsProxyList{}, api.TargetHttpsProxyAggregatedList{}},
		"urlMaps":               {api.UrlMapList{}, api.UrlMapsAggregatedList{}},
		"lbRouteExtensions":     {networkservices.ListLbRouteExtensionsResponse{}, nil},
		"lbTrafficExtensions":   {networkservices.ListLbTrafficExtensionsResponse{}, nil},
		"serviceLbPolicies":     {networkservices.ListServiceLbPoliciesResponse{}, nil},
		"versions":              {networkservices.ListWasmPluginVersionsResponse{}, nil},
		"wasmPlugins":           {networkservices.ListWasmPluginsResponse{}, nil},
	}
}
