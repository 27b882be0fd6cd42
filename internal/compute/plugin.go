package compute

import (
	"encoding/base64"

	api "google.golang.org/api/networkservices/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

func plugins(v *View, r *lbv1.Resource) []Resource {
	p := r.GetWasmPlugin()
	if p == nil {
		return nil
	}
	return v.inLocation(r, "", "wasmPlugins", r.GetName(), p.GetOwner(), func(head Resource) shown {
		plugin := &api.WasmPlugin{
			Name: head.Path, CreateTime: head.createTime(), Description: p.GetDescription(), MainVersionId: p.GetMainVersion(),
			LogConfig: pluginLogging(p.GetLogging()),
		}
		for _, user := range v.calling[head.Name] {
			plugin.UsedBy = append(plugin.UsedBy, &api.WasmPluginUsedBy{
				Name: InLocation(v.Project, v.regions.extensions[user], "lbTrafficExtensions", user),
			})
		}
		return shown{plugin, v.ownOfPlugin(p)}
	})
}

// ownOfPlugin is what the plugin may call, for which the API has no word.
func (v *View) ownOfPlugin(p *lbv1.WasmPlugin) own {
	var upstreams []own
	for _, u := range p.GetUpstreams() {
		upstream := own{"name": u.GetName()}
		upstream.set("backendService", v.service(u.GetBackendService()), u.GetBackendService() != "")
		upstream.set("fault", u.GetFault(), u.GetFault() != "")
		upstreams = append(upstreams, upstream)
	}
	o := own{}
	o.set("upstreams", upstreams, len(upstreams) > 0)
	return o
}

func pluginLogging(l *lbv1.PluginLogging) *api.WasmPluginLogConfig {
	if l == nil {
		return nil
	}
	config := &api.WasmPluginLogConfig{
		Enable: l.GetEnabled(), SampleRate: l.GetSampleRate(), MinLogLevel: l.GetMinLevel().String(),
		ForceSendFields: []string{"Enable", "SampleRate"},
	}
	if l.GetMinLevel() == lbv1.PluginLogging_LEVEL_UNSPECIFIED {
		config.MinLogLevel = "LOG_LEVEL_UNSPECIFIED"
	}
	return config
}

// FullPlugin is a plugin with its versions, as the view WASM_PLUGIN_VIEW_FULL shows it.
func (v *View) FullPlugin(r Resource) Resource {
	show := r.show
	r.show = func(head Resource) shown {
		s := show(head)
		plugin := s.body.(*api.WasmPlugin)
		plugin.Versions = map[string]api.WasmPluginVersionDetails{}
		for _, source := range v.versions[head.Name] {
			version := v.pluginVersion(pluginVersions(v, source)[0])
			plugin.Versions[source.GetName()] = api.WasmPluginVersionDetails{
				CreateTime: version.CreateTime, Description: version.Description, ImageUri: version.ImageUri, ImageDigest: version.ImageDigest,
				PluginConfigData: version.PluginConfigData, PluginConfigDigest: version.PluginConfigDigest,
			}
		}
		return s
	}
	return r
}

func pluginVersions(v *View, r *lbv1.Resource) []Resource {
	p := r.GetWasmPluginVersion()
	if p == nil {
		return nil
	}
	out := v.inLocation(r, "", "wasmPlugins/"+p.GetPlugin()+"/versions", r.GetName(), p.GetOwner(), func(head Resource) shown {
		o := own{}
		o.set("versionName", p.GetVersion(), p.GetVersion() != "")
		o.set("profile", p.GetProfile().String(), p.GetProfile() != lbv1.WasmPluginVersion_GCP)
		return shown{v.pluginVersion(head), o}
	})
	out[0].Parent = p.GetPlugin()
	return out
}

func (v *View) pluginVersion(head Resource) *api.WasmPluginVersion {
	p := head.Source.GetWasmPluginVersion()
	return &api.WasmPluginVersion{
		Name: head.Path, CreateTime: head.createTime(), Description: p.GetDescription(), ImageUri: p.GetImage(), ImageDigest: p.GetImageDigest(),
		PluginConfigData: base64.StdEncoding.EncodeToString(p.GetConfigData()), PluginConfigDigest: p.GetConfigDigest(),
	}
}
