package manifests

import (
	"fmt"
	"path"
	"strings"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/manifests/document"
	"github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/store"
)

// manifest is one valid object of a file.
type manifest struct {
	kind   *schema.Kind
	object store.Object
	// position is where the manifest begins.
	position document.Position
	// configCluster is where a Cluster says that it is the config cluster.
	configCluster document.Position
	// unplaced: the manifest names no namespace, so that of its folder counts.
	unplaced bool
	// used is set once the object has been published: from then on it must not be changed.
	used bool
}

// identity is the manifest's object within its folder, without a namespace if it names none.
func (m *manifest) identity() store.Ref {
	ref := store.Ref{Kind: m.kind.Ref(), Namespace: m.object.GetNamespace(), Name: m.object.GetName()}
	if m.unplaced {
		ref.Namespace = ""
	}
	return ref
}

// parsed is what the bytes of a file say.
type parsed struct {
	manifests []*manifest
	problems  []Problem
	// whole is false if anything in the file is broken, so that what is missing in it is not deleted.
	whole bool
}

// parse reads a file. It keeps no state and may run in parallel.
func parse(registry *schema.Registry, file string, data []byte) parsed {
	if note := notAManifest(file); note != "" {
		return parsed{whole: true, problems: []Problem{{File: file, Rule: RuleNotAManifest, Severity: Note, Message: note}}}
	}
	docs, broken := document.Parse(data)
	p := parsed{whole: len(broken) == 0}
	for _, syntax := range broken {
		p.problems = append(p.problems, Problem{
			File: file, Line: syntax.Line, Column: syntax.Column, Rule: document.RuleSyntax, Severity: Error,
			Message: syntax.Message,
		})
	}
	warned := map[string]int{}
	for _, doc := range docs {
		if items := listItems(doc); items != nil {
			for _, item := range items {
				p.add(registry, file, item, warned)
			}
			continue
		}
		p.add(registry, file, doc, warned)
	}
	for i := range p.problems {
		if n := warned[p.problems[i].Message]; n > 1 && p.problems[i].Rule == schema.RuleUnknownKind {
			p.problems[i].Message += fmt.Sprintf(" (%d of them in this file)", n)
		}
	}
	return p
}

// notAManifest says of files of other tools, which often lie beside manifests, why they are not read.
func notAManifest(file string) string {
	base, ext := path.Base(file), path.Ext(file)
	if ext == "" {
		return ""
	}
	switch strings.TrimSuffix(base, ext) {
	case "kustomization":
		return "kustomize is not run: its resources are read as they stand, without patches and generators; serve what `kustomize build` makes"
	case "Chart", "values":
		return "a Helm chart's file, which is not read; serve what `helm template` makes"
	case "skaffold", "package", "package-lock", "tsconfig", "renovate", "docker-compose":
		return "the file of another tool, which is not read"
	}
	return ""
}

// notAnObject says of documents that are clearly something else, such as a program's settings or a template, why they are
// not read.
func notAnObject(value map[string]any) string {
	if len(value) == 0 {
		return ""
	}
	meta, _ := value["metadata"].(map[string]any)
	for _, v := range []any{value["apiVersion"], value["kind"], meta["name"], meta["namespace"]} {
		if text, _ := v.(string); strings.Contains(text, "{{") {
			return "a template, which is not read; serve what its tool makes of it"
		}
	}
	for _, name := range []string{"apiVersion", "kind", "metadata", "spec"} {
		if _, ok := value[name]; ok {
			return ""
		}
	}
	return "neither apiVersion nor kind: no manifest, and not read"
}

// listItems returns the items of a List or of any kind of list, and nil for anything else.
func listItems(doc *document.Document) []*document.Document {
	kind, _ := doc.Value["kind"].(string)
	if !strings.HasSuffix(kind, "List") {
		return nil
	}
	return doc.Items()
}

func (p *parsed) add(registry *schema.Registry, file string, doc *document.Document, warned map[string]int) {
	if note := notAnObject(doc.Value); note != "" {
		at := doc.Start()
		p.problems = append(p.problems, Problem{
			File: file, Line: at.Line, Column: at.Column, Rule: RuleNotAManifest, Severity: Note, Message: note,
		})
		// What the file held until now stays: this may be a manifest in the making.
		p.whole = false
		return
	}
	result := registry.Check(doc)
	for _, v := range result.Violations {
		if v.Rule == schema.RuleUnknownKind && v.Warning {
			warned[v.Message]++
			if warned[v.Message] > 1 {
				continue
			}
		}
		p.problems = append(p.problems, problemOf(file, doc, &result, v))
		p.whole = p.whole && v.Warning
	}
	if result.Object == nil {
		return
	}
	m := &manifest{kind: result.Kind, object: result.Object, position: doc.Start(), unplaced: result.Unplaced}
	if _, ok := result.Object.(*spillwayv1alpha1.Cluster); ok {
		m.configCluster = doc.At("spec.configCluster")
	}
	p.manifests = append(p.manifests, m)
}

func problemOf(file string, doc *document.Document, result *schema.Result, v document.Violation) Problem {
	at := doc.Position(v)
	severity := Error
	if v.Warning {
		severity = Warning
	}
	if v.Note {
		severity = Note
	}
	return Problem{
		File: file, Line: at.Line, Column: at.Column, Object: objectName(result.GroupKind.Kind, result.Namespace, result.Name),
		Field: v.Path, Rule: v.Rule, Message: v.Message, Severity: severity, unplaced: result.Unplaced,
	}
}

// objectName is "Service store/web", or as much of it as is known.
func objectName(kind, namespace, name string) string {
	if name == "" {
		return kind
	}
	if namespace == "" {
		return fmt.Sprintf("%s %s", kind, name)
	}
	return fmt.Sprintf("%s %s/%s", kind, namespace, name)
}

// isManifestFile leaves out dotfiles, editors' temporary files and everything that is neither YAML nor JSON.
func isManifestFile(name string) bool {
	base := path.Base(name)
	switch path.Ext(base) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	return !isTemporary(base)
}

// isTemporary knows dotfiles, Emacs' lock and auto-save files and the like.
func isTemporary(base string) bool {
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "#") || strings.HasSuffix(base, "~") || strings.HasPrefix(base, "~")
}
