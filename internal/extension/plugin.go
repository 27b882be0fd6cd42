package extension

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/scope"
	"github.com/spillway-lb/spillway/internal/store"
)

// plugin is a GCPWasmPlugin as extensions use it.
type plugin struct {
	// Name is the wasm_plugin.
	Name string
	// Main is the version that runs, "" if none can; Versions are all that there are.
	Main     string
	Versions []string
	// Problem is why today's choice of version does not run, else nil. Main may still be an earlier choice.
	Problem *problem
}

// maxSampleRate is every request.
const maxSampleRate = 1_000_000

// translatePlugin publishes the versions whose images are known, and says which one runs: the one with a weight. Until its image
// is known, and if it cannot be had, the version that ran before goes on, as long as the plugin still has it.
func translatePlugin(v *recompute.View, key string) recompute.Result {
	ref, _ := store.ParseRef(key)
	today, ok := recompute.Get[*networkingv1.GCPWasmPlugin](v, ref)
	if !ok {
		return recompute.Result{}
	}
	p := pluginMaker{view: v, ref: ref, by: owner.Of(ref), made: map[string]string{}}
	full, profileProblem := wantsFull(today)
	p.full = full
	p.description = owner.Describe("gcpwasmplugins", ref.Namespace, ref.Name, fleet.MemberOf(v, ref.Cluster))
	out := &plugin{Name: p.namer().WasmPlugin(ref.Namespace, ref.Name)}
	for i := range today.Spec.Versions {
		p.version(&today.Spec.Versions[i], out)
	}
	good := store.Object(today)
	main, problem := mainVersion(&today.Spec)
	problem = cmp.Or(problem, profileProblem)
	if problem == nil {
		if problem = p.problems[main]; problem == nil {
			out.Main = p.made[main]
		}
	}
	if problem != nil {
		out.Problem = problem
		good = p.fallBack(today, out)
	}
	return recompute.Result{State: recompute.Present, Value: out, Resources: p.resources, Good: good}
}

// pluginMaker makes the resources of one plugin.
type pluginMaker struct {
	view        *recompute.View
	ref         store.Ref
	by          *lbv1.Owner
	description string
	// made are the versions whose images are known, by the user's name; problems are why others are not.
	made      map[string]string
	full      bool
	problems  map[string]*problem
	resources []*lbv1.Resource
}

func (p *pluginMaker) namer() interface {
	WasmPlugin(namespace, plugin string) string
	WasmPluginVersion(namespace, plugin, version string, content ...string) string
} {
	return scope.Scope{Cluster: p.ref.Cluster}.Namer()
}

func (p *pluginMaker) add(name string, r *lbv1.Resource) {
	r.Name = name
	p.resources = append(p.resources, r)
}

func (p *pluginMaker) fail(version, reason, format string, args ...any) {
	if p.problems == nil {
		p.problems = map[string]*problem{}
	}
	p.problems[version] = &problem{Reason: reason, Message: fmt.Sprintf("version %q: ", version) + fmt.Sprintf(format, args...)}
}

// version publishes a version whose images are known.
func (p *pluginMaker) version(spec *networkingv1.WasmPluginVersion, out *plugin) {
	image, ok := p.image(spec.Name, spec.Image, false)
	if !ok {
		return
	}
	config, ok := p.config(spec)
	if !ok {
		return
	}
	digest := ""
	if len(config) > 0 {
		sum := sha256.Sum256(config)
		digest = "sha256:" + hex.EncodeToString(sum[:])
	}
	content, profile := []string{spec.Image, image.Digest, digest}, lbv1.WasmPluginVersion_GCP
	if p.full {
		content, profile = append(content, profileFull), lbv1.WasmPluginVersion_FULL
	}
	name := p.namer().WasmPluginVersion(p.ref.Namespace, p.ref.Name, spec.Name, content...)
	p.made[spec.Name] = name
	out.Versions = append(out.Versions, name)
	p.add(name, &lbv1.Resource{Body: &lbv1.Resource_WasmPluginVersion{WasmPluginVersion: &lbv1.WasmPluginVersion{
		Plugin: out.Name, Version: spec.Name, Image: spec.Image, ImageDigest: image.Digest, ConfigData: config, ConfigDigest: digest,
		Description: spec.Description, Owner: p.by, Profile: profile,
	}}})
}

// image is what became of an image; ok is false while it is not known.
func (p *pluginMaker) image(version, image string, config bool) (known fact.Image, ok bool) {
	request := fact.ImageRequest{Plugin: p.ref, Version: version, Image: image, Config: config, Full: p.full && !config}
	known, ok = recompute.Fact[fact.Image](p.view, fact.ImageOf(request))
	switch {
	case !ok:
		p.fail(version, reasonWaiting, "image %s is being resolved", image)
	case known.Digest == "":
		p.fail(version, reasonWaiting, "image %s: %s", image, known.Err)
	default:
		return known, true
	}
	return known, false
}

func (p *pluginMaker) config(spec *networkingv1.WasmPluginVersion) (data []byte, ok bool) {
	if spec.PluginConfigURI == nil {
		return []byte(value(spec.PluginConfigData)), true
	}
	image, ok := p.image(spec.Name, *spec.PluginConfigURI, true)
	return image.Data, ok
}

// mainVersion is the one with a weight.
func mainVersion(spec *networkingv1.GCPWasmPluginSpec) (string, *problem) {
	var weighty []string
	for _, version := range spec.Versions {
		if version.Weight > 0 {
			weighty = append(weighty, version.Name)
		}
	}
	if len(weighty) == 1 {
		return weighty[0], nil
	}
	return "", &problem{Reason: reasonInvalidPlugin, Message: fmt.Sprintf(
		"spec.versions: exactly one version must have a weight that is not 0, not %d", len(weighty))}
}

// fallBack keeps the version that ran before, if today's plugin has it as it was.
func (p *pluginMaker) fallBack(today *networkingv1.GCPWasmPlugin, out *plugin) store.Object {
	last, ok := p.view.Good().(*networkingv1.GCPWasmPlugin)
	if !ok || last.UID != today.UID {
		return nil
	}
	main, problem := mainVersion(&last.Spec)
	if full, wrong := wantsFull(last); problem != nil || wrong != nil || full != p.full {
		return nil
	}
	at := slices.IndexFunc(today.Spec.Versions, func(v networkingv1.WasmPluginVersion) bool { return v.Name == main })
	if at < 0 || p.made[main] == "" {
		return nil
	}
	out.Main = p.made[main]
	kept := *out.Problem
	kept.Instead = fmt.Sprintf("version %q, which ran before, goes on", main)
	out.Problem = &kept
	return last
}

func loggingOf(c *networkingv1.WasmPluginLogConfig) *lbv1.PluginLogging {
	if c == nil || !value(c.Enabled) {
		return nil
	}
	out := &lbv1.PluginLogging{Enabled: true, SampleRate: 1, MinLevel: lbv1.PluginLogging_INFO}
	if c.SampleRate != nil {
		out.SampleRate = float64(*c.SampleRate) / maxSampleRate
	}
	if c.MinLogLevel != nil {
		out.MinLevel = lbv1.PluginLogging_Level(lbv1.PluginLogging_Level_value[string(*c.MinLogLevel)])
	}
	return out
}

// Images are those that a store's GCPWasmPlugins name: whoever resolves them sets a fact for each, and removes it when it is no
// longer wanted.
func Images(s *store.Snapshot) []fact.ImageRequest {
	var all []fact.ImageRequest
	for _, ref := range s.List(kind.GCPWasmPlugin, "", "") {
		e := s.Get(ref)
		if e == nil {
			continue
		}
		p, ok := e.Object.(*networkingv1.GCPWasmPlugin)
		if !ok {
			continue
		}
		for _, v := range p.Spec.Versions {
			full, _ := wantsFull(p)
			all = append(all, fact.ImageRequest{Plugin: ref, Version: v.Name, Image: v.Image, Full: full})
			if v.PluginConfigURI != nil {
				all = append(all, fact.ImageRequest{Plugin: ref, Version: v.Name, Image: *v.PluginConfigURI, Config: true})
			}
		}
	}
	return all
}

// Equal compares values.
func (p *plugin) Equal(other any) bool {
	o, ok := other.(*plugin)
	return ok && p.Name == o.Name && p.Main == o.Main && slices.Equal(p.Versions, o.Versions) &&
		value(p.Problem) == value(o.Problem)
}
