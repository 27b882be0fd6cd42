package compute

import (
	"encoding/json"
	"strconv"
	"strings"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/networkservices/v1"
	"google.golang.org/protobuf/types/known/durationpb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func routeExtensions(v *View, r *lbv1.Resource) []Resource {
	x := r.GetLbRouteExtension()
	if x == nil {
		return nil
	}
	return v.inLocation(r, x.GetRegion(), "lbRouteExtensions", r.GetName(), x.GetOwner(), func(head Resource) shown {
		return shown{&api.LbRouteExtension{
			Name: head.Path, CreateTime: head.createTime(), Description: x.GetDescription(), LoadBalancingScheme: scheme(x.GetScheme()),
			ForwardingRules: v.rulesOf(x), ExtensionChains: v.chains(x),
		}, v.ownOfExtension(x)}
	})
}

func trafficExtensions(v *View, r *lbv1.Resource) []Resource {
	x := r.GetLbTrafficExtension()
	if x == nil {
		return nil
	}
	return v.inLocation(r, x.GetRegion(), "lbTrafficExtensions", r.GetName(), x.GetOwner(), func(head Resource) shown {
		return shown{&api.LbTrafficExtension{
			Name: head.Path, CreateTime: head.createTime(), Description: x.GetDescription(), LoadBalancingScheme: scheme(x.GetScheme()),
			ForwardingRules: v.rulesOf(x), ExtensionChains: v.chains(x),
		}, v.ownOfExtension(x)}
	})
}

func (v *View) rulesOf(x *lbv1.LbExtension) []string {
	var rules []string
	for _, rule := range x.GetForwardingRules() {
		rules = append(rules, v.link(x.GetRegion(), "forwardingRules", rule))
	}
	return rules
}

// chains shows the alternatives of a condition as the one expression that the API has.
func (v *View) chains(x *lbv1.LbExtension) []*api.ExtensionChain {
	var out []*api.ExtensionChain
	for _, c := range x.GetChains() {
		chain := &api.ExtensionChain{
			Name: c.GetName(), MatchCondition: &api.ExtensionChainMatchCondition{CelExpression: MatchText(c.GetMatch())},
		}
		for _, e := range c.GetExtensions() {
			chain.Extensions = append(chain.Extensions, v.extension(e))
		}
		out = append(out, chain)
	}
	return out
}

func (v *View) extension(e *lbv1.Extension) *api.ExtensionChainExtension {
	extension := &api.ExtensionChainExtension{
		Name: e.GetName(), Service: v.target(e), Authority: e.GetAuthority(), Timeout: text(e.GetTimeout()),
		FailOpen: e.GetFailOpen(), ForwardHeaders: e.GetForwardHeaders(), ForwardAttributes: e.GetForwardAttributes(),
		ObservabilityMode: e.GetObservabilityMode(), RequestBodySendMode: sendMode(e.GetRequestBodySendMode()),
		ResponseBodySendMode: sendMode(e.GetResponseBodySendMode()), ForceSendFields: []string{"FailOpen"},
	}
	for _, event := range e.GetEvents() {
		extension.SupportedEvents = append(extension.SupportedEvents, event.String())
	}
	if len(e.GetMetadata()) > 0 {
		b, _ := json.Marshal(e.GetMetadata()) // a map of text has JSON
		extension.Metadata = googleapi.RawMessage(b)
	}
	return extension
}

// target is what an extension sends to: a plugin, a Google API or a backend service.
func (v *View) target(e *lbv1.Extension) string {
	switch {
	case e.GetWasmPlugin() != "":
		return InLocation(v.Project, "", "wasmPlugins", e.GetWasmPlugin())
	case e.GetGoogleApi() != "":
		return e.GetGoogleApi()
	}
	return v.service(e.GetBackendService())
}

func sendMode(m lbv1.Extension_SendMode) string {
	if m == lbv1.Extension_SEND_MODE_UNSPECIFIED {
		return ""
	}
	return "BODY_SEND_MODE_" + m.String()
}

// ownOfExtension is why chains and extensions cannot run, and which backend service stands in for a Google API.
func (v *View) ownOfExtension(x *lbv1.LbExtension) own {
	var chains []own
	for _, c := range x.GetChains() {
		chain := own{}
		chain.set("fault", c.GetFault(), c.GetFault() != "")
		var extensions []own
		for _, e := range c.GetExtensions() {
			extension := own{}
			extension.set("fault", e.GetFault(), e.GetFault() != "")
			extension.set("backendService", v.service(e.GetBackendService()), e.GetGoogleApi() != "" && e.GetBackendService() != "")
			if len(extension) > 0 {
				extension["name"] = e.GetName()
				extensions = append(extensions, extension)
			}
		}
		chain.set("extensions", extensions, len(extensions) > 0)
		if len(chain) > 0 {
			chain["name"] = c.GetName()
			chains = append(chains, chain)
		}
	}
	o := own{}
	o.set("extensionChains", chains, len(chains) > 0)
	return o
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

// text is a duration as JSON of protocol buffers has it, "" for none.
func text(d *durationpb.Duration) string {
	if d == nil {
		return ""
	}
	return strconv.FormatFloat(d.AsDuration().Seconds(), 'f', -1, 64) + "s"
}
