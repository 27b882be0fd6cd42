package printer

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	corev1 "k8s.io/api/core/v1"

	"github.com/spillway-lb/spillway/internal/kind"
)

// Related is what a description needs beside the object.
type Related struct {
	// Problems are what is not in order and no condition says.
	Problems []string
	// Events about the object.
	Events []Object
	// EndpointSlices of a Service, or of those that an Ingress names.
	EndpointSlices []Object
	// Services of an Ingress' namespace.
	Services []Object
	// ReplicaSets of a Deployment.
	ReplicaSets []Object
	// Pods on a Node, or of a controller.
	Pods []Object
	Now  time.Time
}

// Describe prints an object as kubectl describe does.
func Describe(w io.Writer, k *Kind, object Object, related Related) error {
	d := &description{}
	switch k.Ref() {
	case kind.Pod:
		d.pod(object, related)
	case kind.Service:
		d.service(object, related)
	case kind.Deployment:
		d.deployment(object, related)
	case kind.Ingress:
		d.ingress(object, related)
	case kind.ReplicaSet:
		d.replicaSet(object, related)
	case kind.StatefulSet:
		d.statefulSet(object, related)
	case kind.DaemonSet:
		d.daemonSet(object, related)
	case kind.Node:
		d.node(object, related)
	case kind.Namespace:
		d.namespace(object)
	case kind.Secret, kind.ConfigMap:
		d.data(k, object)
	default:
		d.generic(object)
	}
	d.problems(related.Problems)
	if k.Ref() != kind.Namespace && k.Ref() != kind.Secret {
		d.events(related)
	}
	_, err := d.text().WriteTo(w)
	return err
}

// description gathers indented lines; tabs align within a block.
type description struct {
	buf bytes.Buffer
	tw  *tabwriter.Writer
	// indent is added to the level of every line.
	indent int
}

func (d *description) writer() *tabwriter.Writer {
	if d.tw == nil {
		d.tw = tabwriter.NewWriter(&d.buf, 0, 8, 2, ' ', 0)
	}
	return d.tw
}

func (d *description) text() *bytes.Buffer {
	_ = d.writer().Flush() // a buffer does not fail
	return &d.buf
}

// line writes one line at a level of two blanks each.
func (d *description) line(level int, format string, args ...any) {
	fmt.Fprintf(d.writer(), strings.Repeat("  ", level+d.indent)+format+"\n", args...)
}

// indented prints what is printed meanwhile so many levels further in.
func (d *description) indented(levels int, print func()) {
	d.indent += levels
	print()
	d.indent -= levels
}

// generic prints any object's fields, with names made readable.
func (d *description) generic(o Object) {
	d.line(0, "Name:\t%s", o.GetName())
	d.line(0, "Namespace:\t%s", o.GetNamespace())
	d.labels("Labels", o.GetLabels())
	d.annotations(o.GetAnnotations())
	d.fields(0, o.Object, "", []string{
		".metadata.managedFields", ".metadata.name", ".metadata.namespace", ".metadata.labels", ".metadata.annotations",
	})
}

func (d *description) fields(level int, content map[string]any, prefix string, skip []string) {
	for _, field := range slices.Sorted(maps.Keys(content)) {
		path := prefix + "." + field
		if slices.Contains(skip, path) {
			continue
		}
		switch value := content[field].(type) {
		case map[string]any:
			d.line(level, "%s:", readable(field))
			d.fields(level+1, value, path, skip)
		case []any:
			d.line(level, "%s:", readable(field))
			for _, child := range value {
				if m, ok := child.(map[string]any); ok {
					d.fields(level+1, m, path, skip)
				} else {
					d.line(level+1, "%v", child)
				}
			}
		default:
			d.line(level, "%s:\t%v", readable(field), value)
		}
	}
}

func (d *description) labels(title string, l map[string]string) {
	if len(l) == 0 {
		d.line(0, "%s:\t<none>", title)
		return
	}
	for i, key := range slices.Sorted(maps.Keys(l)) {
		label := "\t"
		if i == 0 {
			label = title + ":\t"
		}
		d.line(0, "%s%s=%s", label, key, l[key])
	}
}

// maxAnnotation is the length at which kubectl cuts an annotation.
const maxAnnotation = 140

func (d *description) annotations(a map[string]string) {
	shown := maps.Clone(a)
	delete(shown, corev1.LastAppliedConfigAnnotation)
	if len(shown) == 0 {
		d.line(0, "Annotations:\t<none>")
		return
	}
	for i, key := range slices.Sorted(maps.Keys(shown)) {
		label := "\t"
		if i == 0 {
			label = "Annotations:\t"
		}
		value := strings.TrimSuffix(shown[key], "\n")
		if len(value)+len(key)+2 <= maxAnnotation && !strings.Contains(value, "\n") {
			d.line(0, "%s%s: %s", label, key, value)
			continue
		}
		d.line(0, "%s%s:", label, key)
		for s := range strings.SplitSeq(value, "\n") {
			d.line(0, "\t  %s", shorten(s, maxAnnotation-2))
		}
	}
}

func shorten(s string, length int) string {
	if len(s) > length {
		return s[:length] + "..."
	}
	return s
}

// problems is a section of our own, if there are any.
func (d *description) problems(texts []string) {
	if len(texts) == 0 {
		return
	}
	d.line(0, "Problems:")
	for _, text := range texts {
		d.line(1, "%s", strings.ReplaceAll(text, "\n", " "))
	}
}

func (d *description) events(related Related) {
	if len(related.Events) == 0 {
		d.line(0, "Events:\t<none>")
		return
	}
	events := make([]*corev1.Event, 0, len(related.Events))
	for _, e := range related.Events {
		events = append(events, typed[corev1.Event](e))
	}
	slices.SortStableFunc(events, func(a, b *corev1.Event) int { return a.LastTimestamp.Compare(b.LastTimestamp.Time) })
	_ = d.writer().Flush() // so that the columns above and below don't align with these
	d.line(0, "Events:")
	d.line(1, "Type\tReason\tAge\tFrom\tMessage")
	d.line(1, "----\t------\t----\t----\t-------")
	for _, e := range events {
		first := since(e.FirstTimestamp, related.Now)
		age := first
		if e.Count > 1 {
			age = fmt.Sprintf("%s (x%d over %s)", since(e.LastTimestamp, related.Now), e.Count, first)
		}
		d.line(1, "%s\t%s\t%s\t%s\t%s", e.Type, e.Reason, age, e.Source.Component, strings.TrimSpace(e.Message))
	}
}

// readable turns gatewayClassName into "Gateway Class Name". A field with anything but letters and dashes stays as it is.
func readable(field string) string {
	if strings.IndexFunc(field, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) >= 0 {
		return field
	}
	acronyms := []string{"API", "URL", "UID", "OSB", "GUID"}
	words := splitCamelCase(field)
	for i, word := range words {
		if upper := strings.ToUpper(word); slices.Contains(acronyms, upper) {
			words[i] = upper
		} else {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

// splitCamelCase splits before each capital that starts a word: "observedGeneration", "HTTPRoute", "a-b".
func splitCamelCase(s string) []string {
	var words []string
	runes := []rune(s)
	start := 0
	for i := 1; i < len(runes); i++ {
		lowToUp := !unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i])
		endOfAcronym := i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsUpper(runes[i]) && unicode.IsLower(runes[i+1])
		if lowToUp || endOfAcronym || unicode.IsLetter(runes[i]) != unicode.IsLetter(runes[i-1]) {
			words = append(words, string(runes[start:i]))
			start = i
		}
	}
	return append(words, string(runes[start:]))
}
