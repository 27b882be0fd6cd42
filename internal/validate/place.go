package validate

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spillway-lb/spillway/internal/condition"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/manifests/document"
)

// places finds where in files fields stand.
type places struct {
	dir string
	// documents are those of the files read so far, by file and the line that they begin at.
	documents map[string]map[int]*document.Document
}

func newPlaces(dir string) *places {
	return &places{dir: dir, documents: map[string]map[int]*document.Document{}}
}

// at puts a problem, which stands at the beginning of its object, where the field stands that it is about, as far as that is
// known.
func (p *places) at(problem *manifests.Problem, c *condition.Condition) {
	doc := p.document(problem.File, problem.Line)
	if doc == nil {
		return
	}
	path := problem.Field
	if c != nil {
		path = fieldOfCondition(doc.Value, c)
	}
	if path == "" {
		return
	}
	if at := doc.At(path); at.Line > 0 {
		problem.Line, problem.Column = at.Line, at.Column
	}
}

func (p *places) document(file string, line int) *document.Document {
	if line == 0 {
		return nil
	}
	all, read := p.documents[file]
	if !read {
		all = map[int]*document.Document{}
		p.documents[file] = all
		// What cannot be read now stands where its object does.
		if data, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(file))); err == nil {
			docs, _ := document.Parse(data)
			for _, d := range docs {
				add(all, d)
			}
		}
	}
	return all[line]
}

func add(all map[int]*document.Document, d *document.Document) {
	items := d.Items()
	if items == nil {
		all[d.Start().Line] = d
	}
	for _, item := range items {
		add(all, item)
	}
}

var (
	// pathInText is a field as messages name it.
	pathInText = regexp.MustCompile(`\bspec\.[A-Za-z0-9_.\[\]]*[A-Za-z0-9_\]]`)
	// nameInText is an object as messages name it.
	nameInText = regexp.MustCompile(`"(?:[a-z0-9.-]+/)?([a-z0-9.-]+)"`)
)

// fieldOfCondition is the field that a condition is about: the one that its message names, a reference to the object that
// it names, or the listener or parent that it is said of; "" if nothing is known.
func fieldOfCondition(object map[string]any, c *condition.Condition) string {
	if path := pathInText.FindString(c.Message); path != "" {
		return path
	}
	within := entryOf(object, c.Where)
	for _, name := range nameInText.FindAllStringSubmatch(c.Message, -1) {
		if path := reference(object["spec"], "spec", name[1], within); path != "" {
			return path
		}
	}
	return within
}

// entryOf is the listener or parent of a condition, by its words for it; "" for anything else.
func entryOf(object map[string]any, where string) string {
	role, name, _ := strings.Cut(where, " ")
	list := map[string]string{"listener": "listeners", "parent": "parentRefs"}[role]
	spec, _ := object["spec"].(map[string]any)
	entries, _ := spec[list].([]any)
	for i, entry := range entries {
		fields, _ := entry.(map[string]any)
		if role == "listener" && fields["name"] == name || role == "parent" && parentName(fields) == name {
			return fmt.Sprintf("spec.%s[%d]", list, i)
		}
	}
	return ""
}

// parentName is how package condition names a reference.
func parentName(ref map[string]any) string {
	text := textOf(ref, "name")
	if namespace := textOf(ref, "namespace"); namespace != "" {
		text = namespace + "/" + text
	}
	if section := textOf(ref, "sectionName"); section != "" {
		text += " " + section
	}
	if port, ok := ref["port"]; ok {
		text += fmt.Sprintf(" port %v", port)
	}
	return text
}

// reference is the path of the first reference to a name, preferably within a part of the object.
func reference(v any, path, name, within string) string {
	var found []string
	eachReference(v, path, "", func(path string, ref map[string]any) {
		if ref["name"] == name {
			found = append(found, path+".name")
		}
	})
	for _, path := range found {
		if within != "" && strings.HasPrefix(path, within) {
			return path
		}
	}
	if len(found) > 0 && !strings.HasPrefix(within, "spec.listeners") {
		return found[0]
	}
	return ""
}

// eachReference finds what stands under names such as backendRefs or targetRef.
func eachReference(v any, path, field string, f func(path string, ref map[string]any)) {
	switch v := v.(type) {
	case []any:
		for i, item := range v {
			eachReference(item, fmt.Sprintf("%s[%d]", path, i), field, f)
		}
	case map[string]any:
		if strings.HasSuffix(field, "Ref") || strings.HasSuffix(field, "Refs") {
			f(path, v)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			eachReference(v[name], path+"."+name, name, f)
		}
	}
}
