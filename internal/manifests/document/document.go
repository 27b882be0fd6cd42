// Package document reads YAML and JSON manifest files as an API server reads them, and remembers where everything
// stood.
//
// In: the bytes of a file. Out: its documents, each as the tree that JSON decoding would give (map[string]any, []any,
// string, int64, float64, bool, nil) plus the line and column of any field path in it, and what is wrong: syntax, keys
// set twice, values that JSON cannot hold. Scalars resolve as kubectl resolves them (YAML 1.1: yes, no, on and off are
// booleans), anchors and merge keys work, and an alias cannot blow a file up.
//
//	docs, violations := document.Parse(data)
//	at := docs[0].At("spec.rules[0].backendRefs[1].port")
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a file; both count from 1. Zero means unknown.
type Position struct {
	Line, Column int
}

// Document is one YAML document, or one item of a list document.
type Document struct {
	// Value is what JSON decoding would give; nil for a document with errors or without content.
	Value map[string]any
	// Violations are what is wrong with the document's YAML: keys set twice, values without meaning in JSON.
	Violations []Violation

	root   *yaml.Node
	budget int // how many nodes it may have, aliases followed
}

// Start is where the document begins.
func (d *Document) Start() Position { return positionOf(d.root) }

// Parse splits a file into documents. Documents without content are left out. A document with a syntax error is left out,
// too, and its error returned: the others of its file count, as they do for kubectl.
func Parse(data []byte) ([]*Document, []*SyntaxError) {
	if looksLikeJSON(data) {
		data = jsonAsYAML(data)
	}
	docs, err := parseAll(data, 0)
	if err == nil {
		return docs, nil
	}
	parts := split(data)
	if len(parts) < 2 {
		return nil, []*SyntaxError{err}
	}
	docs = nil
	var errs []*SyntaxError
	for _, p := range parts {
		some, err := parseAll(p.data, p.line)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		docs = append(docs, some...)
	}
	return docs, errs
}

// parseAll reads documents that begin some lines down in their file.
func parseAll(data []byte, line int) ([]*Document, *SyntaxError) {
	var docs []*Document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		node := &yaml.Node{}
		err := decode(decoder, node)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			e := newSyntaxError(data, err)
			e.Line += line
			return nil, e
		}
		move(node, line)
		if doc := newDocument(node, len(data)+aliasNodes); doc != nil {
			docs = append(docs, doc)
		}
	}
}

// move puts the nodes of a tree some lines down.
func move(node *yaml.Node, lines int) {
	if lines == 0 {
		return
	}
	node.Line += lines
	for _, child := range node.Content {
		move(child, lines)
	}
}

// part is one document's text, and how many lines stand before it.
type part struct {
	data []byte
	line int
}

// split cuts at the lines that begin with "---", which nothing in a document can.
func split(data []byte) []part {
	var parts []part
	start, line, startLine := 0, 0, 0
	for at := 0; at < len(data); line++ {
		next := len(data)
		if i := bytes.IndexByte(data[at:], '\n'); i >= 0 {
			next = at + i + 1
		}
		text := bytes.TrimRight(data[at:next], "\r\n")
		if at > start && (bytes.Equal(text, []byte("---")) || bytes.HasPrefix(text, []byte("--- "))) {
			parts = append(parts, part{data[start:at], startLine})
			start, startLine = at, line
		}
		at = next
	}
	return append(parts, part{data[start:], startLine})
}

// decode turns a panic of the YAML reader, which unfinished input has been known to cause, into an error.
func decode(d *yaml.Decoder, node *yaml.Node) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("yaml: %v", r)
		}
	}()
	return d.Decode(node)
}

func newDocument(node *yaml.Node, budget int) *Document {
	if node.Kind != yaml.DocumentNode || len(node.Content) == 0 {
		return nil
	}
	root := node.Content[0]
	if root.Kind == yaml.ScalarNode && resolvesToNull(root) {
		return nil
	}
	return fromNode(root, budget)
}

// fromNode builds the value of a document and collects what is wrong with it.
func fromNode(root *yaml.Node, budget int) *Document {
	doc := &Document{root: root, budget: budget}
	b := builder{doc: doc, budget: budget}
	value, _ := b.value(root, "")
	switch v := value.(type) {
	case map[string]any:
		doc.Value = v
	default:
		b.violate("", root, "Syntax", "a manifest is a mapping of fields, such as apiVersion, kind and metadata")
	}
	return doc
}

// Items returns the items of a list document as documents of their own, and nil for anything else.
func (d *Document) Items() []*Document {
	node := child(d.root, "items")
	if node == nil || node.Kind != yaml.SequenceNode {
		return nil
	}
	docs := make([]*Document, 0, len(node.Content))
	for _, item := range node.Content {
		docs = append(docs, fromNode(unalias(item), d.budget))
	}
	return docs
}

// SyntaxError says why and where a file is not YAML.
type SyntaxError struct {
	Position
	Message string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message)
}

var lineInError = regexp.MustCompile(`^line (\d+): `)

func newSyntaxError(data []byte, err error) *SyntaxError {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &SyntaxError{Position: Position{Line: 1, Column: 1}, Message: message}
	defer func() {
		if bytes.Contains(data, []byte("{{")) {
			e.Message += " (this looks like a template: render it first, as `helm template` does)"
		}
	}()
	if m := lineInError.FindStringSubmatch(message); m != nil {
		e.Line, _ = strconv.Atoi(m[1])
		e.Message = message[len(m[0]):]
		if strings.HasPrefix(e.Message, "did not find expected") {
			e.Line++ // the parser counts from 0 here, the scanner's errors from 1
		}
	}
	e.Line = min(e.Line, bytes.Count(data, []byte("\n"))+1)
	line := lineOf(data, e.Line)
	if strings.Contains(message, "cannot start any token") && strings.Contains(line, "\t") {
		e.Column = strings.IndexByte(line, '\t') + 1
		e.Message = "found a tab character where YAML wants spaces"
		return e
	}
	e.Column = len(line) - len(strings.TrimLeft(line, " \t")) + 1
	e.Message += hint(data, e.Line)
	return e
}

func lineOf(data []byte, n int) string {
	for i := 1; len(data) > 0; i++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if i == n {
			return string(line)
		}
		data = rest
	}
	return ""
}
