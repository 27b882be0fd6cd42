package compute

import (
	"strconv"
	"strings"

	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// ExtensionCollections are those that gcloud has in its group service-extensions, and the API in networkservices.
func ExtensionCollections() []Collection {
	return []Collection{
		{"lb-route-extensions", []string{"NAME", "LOCATION", "FORWARDING_RULES", "CHAINS"}, each(routeExtension)},
		{"lb-traffic-extensions", []string{"NAME", "LOCATION", "FORWARDING_RULES", "CHAINS"}, each(trafficExtension)},
		{"wasm-plugin-versions", []string{"NAME", "WASM_PLUGIN", "IMAGE", "DIGEST"}, each(wasmPluginVersion)},
		{"wasm-plugins", []string{"NAME", "MAIN_VERSION", "LOGGING"}, each(wasmPlugin)},
	}
}

// location is the path of what is in a location, which the API takes for its name.
func (v view) location(region, collection, name string) string {
	if region == "" {
		region = "global"
	}
	return "projects/" + v.Project + "/locations/" + region + "/" + collection + "/" + name
}

// locationFields are what every resource of a location has.
func (v view) locationFields(region, collection, name, description string) map[string]any {
	f := map[string]any{"name": v.location(region, collection, name)}
	f["selfLink"] = "https://networkservices.googleapis.com/v1/" + f["name"].(string)
	if region != "" {
		f["region"] = Link(v.Project, "regions", region)
	}
	if description != "" {
		f["description"] = description
	}
	return f
}

func routeExtension(v view, r *lbv1.Resource) (Resource, bool) {
	return v.lbExtension("lbRouteExtensions", r.GetName(), r.GetLbRouteExtension())
}

func trafficExtension(v view, r *lbv1.Resource) (Resource, bool) {
	return v.lbExtension("lbTrafficExtensions", r.GetName(), r.GetLbTrafficExtension())
}

func (v view) lbExtension(collection, name string, x *lbv1.LbExtension) (Resource, bool) {
	if x == nil {
		return Resource{}, false
	}
	f := v.locationFields(x.GetRegion(), collection, name, x.GetDescription())
	f["loadBalancingScheme"] = x.GetScheme().String()
	rules := []any{}
	for _, rule := range x.GetForwardingRules() {
		rules = append(rules, v.link(x.GetRegion(), "forwardingRules", rule))
	}
	f["forwardingRules"] = rules
	chains := []any{}
	var names []string
	for _, c := range x.GetChains() {
		names = append(names, c.GetName())
		chains = append(chains, v.chain(x.GetRegion(), c))
	}
	f["extensionChains"] = chains
	location := x.GetRegion()
	if location == "" {
		location = "global"
	}
	return Resource{name, []string{name, location, strings.Join(x.GetForwardingRules(), ","), strings.Join(names, ",")}, f}, true
}

// chain shows the alternatives of a condition as the one expression that the API has.
func (v view) chain(region string, c *lbv1.ExtensionChain) map[string]any {
	extensions := []any{}
	for _, e := range c.GetExtensions() {
		extensions = append(extensions, v.extension(region, e))
	}
	f := map[string]any{
		"name": c.GetName(), "matchCondition": map[string]any{"celExpression": MatchText(c.GetMatch())}, "extensions": extensions,
	}
	if c.GetFault() != "" {
		f["fault"] = c.GetFault() // not Google's
	}
	return f
}

// MatchText is a condition as one CEL expression.
func MatchText(match []*lbv1.MatchExpression) string {
	if len(match) == 0 {
		return "true"
	}
	var parts []string
	for _, m := range match {
		text := m.GetCel()
		if s := m.GetBackendService(); s != "" {
			is := "request.backend_service_name == " + strconv.Quote(s)
			if text != "" {
				is = "(" + text + ") && " + is
			}
			text = is
		}
		parts = append(parts, text)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ") || (") + ")"
}

// extension shows what is set under the API's names; a fault is not Google's.
func (v view) extension(region string, e *lbv1.Extension) map[string]any {
	f := map[string]any{"name": e.GetName(), "failOpen": e.GetFailOpen()}
	events := []any{}
	for _, event := range e.GetEvents() {
		events = append(events, event.String())
	}
	f["supportedEvents"] = events
	switch {
	case e.GetWasmPlugin() != "":
		f["service"] = v.location("", "wasmPlugins", e.GetWasmPlugin())
	case e.GetGoogleApi() != "":
		f["service"] = e.GetGoogleApi()
		f["backendService"] = v.link(region, "backendServices", e.GetBackendService())
	case e.GetBackendService() != "":
		f["service"] = v.link(region, "backendServices", e.GetBackendService())
	}
	set := func(name string, value string) {
		if value != "" {
			f[name] = value
		}
	}
	set("authority", e.GetAuthority())
	set("fault", e.GetFault())
	set("timeout", durationText(e.GetTimeout()))
	if m := e.GetRequestBodySendMode(); m != lbv1.Extension_SEND_MODE_UNSPECIFIED {
		f["requestBodySendMode"] = "BODY_SEND_MODE_" + m.String()
	}
	if m := e.GetResponseBodySendMode(); m != lbv1.Extension_SEND_MODE_UNSPECIFIED {
		f["responseBodySendMode"] = "BODY_SEND_MODE_" + m.String()
	}
	if len(e.GetForwardHeaders()) > 0 {
		f["forwardHeaders"] = e.GetForwardHeaders()
	}
	if len(e.GetForwardAttributes()) > 0 {
		f["forwardAttributes"] = e.GetForwardAttributes()
	}
	if len(e.GetMetadata()) > 0 {
		f["metadata"] = e.GetMetadata()
	}
	if e.GetObservabilityMode() {
		f["observabilityMode"] = true
	}
	return f
}

func durationText(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	return strconv.FormatFloat(d.AsDuration().Seconds(), 'f', -1, 64) + "s"
}

func wasmPlugin(v view, r *lbv1.Resource) (Resource, bool) {
	p := r.GetWasmPlugin()
	if p == nil {
		return Resource{}, false
	}
	f := v.locationFields("", "wasmPlugins", r.GetName(), p.GetDescription())
	f["mainVersionId"] = p.GetMainVersion()
	logging := "off"
	if l := p.GetLogging(); l != nil {
		f["logConfig"] = map[string]any{"enable": l.GetEnabled(), "sampleRate": l.GetSampleRate(), "minLogLevel": l.GetMinLevel().String()}
		if l.GetEnabled() {
			logging = l.GetMinLevel().String()
		}
	}
	users := []any{}
	for _, user := range v.calling[r.GetName()] {
		users = append(users, map[string]any{"name": v.location(v.extensions[user], "lbTrafficExtensions", user)})
	}
	f["usedBy"] = users
	return Resource{r.GetName(), []string{r.GetName(), p.GetMainVersion(), logging}, f}, true
}

func wasmPluginVersion(v view, r *lbv1.Resource) (Resource, bool) {
	p := r.GetWasmPluginVersion()
	if p == nil {
		return Resource{}, false
	}
	f := v.locationFields("", "wasmPlugins/"+p.GetPlugin()+"/versions", r.GetName(), p.GetDescription())
	f["imageUri"], f["imageDigest"] = p.GetImage(), p.GetImageDigest()
	f["versionName"] = p.GetVersion() // not Google's
	if len(p.GetConfigData()) > 0 {
		f["pluginConfigData"], f["pluginConfigDigest"] = p.GetConfigData(), p.GetConfigDigest()
	}
	return Resource{r.GetName(), []string{r.GetName(), p.GetPlugin(), p.GetImage(), p.GetImageDigest()}, f}, true
}
