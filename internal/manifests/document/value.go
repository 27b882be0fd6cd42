package document

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// aliasNodes is how many nodes aliases may add to a document beyond one for each byte of its file.
const aliasNodes = 10_000

// maxDepth bounds nesting, which is 20 or so in the deepest of kinds.
const maxDepth = 500

// builder turns nodes into JSON values.
type builder struct {
	doc    *Document
	budget int // nodes left
	depth  int
	spent  bool
}

func (b *builder) violate(path string, node *yaml.Node, rule, format string, args ...any) {
	b.doc.Violations = append(b.doc.Violations, Violation{
		Path: path, Rule: rule, Message: fmt.Sprintf(format, args...), Known: positionOf(node),
	})
}

// value returns false if the node has no value.
func (b *builder) value(node *yaml.Node, path string) (any, bool) {
	if b.spent {
		return nil, false
	}
	b.budget--
	if b.budget < 0 || b.depth > maxDepth {
		b.spent = true
		b.violate(path, node, RuleSyntax, "the document is too large or too deep once its aliases are followed")
		return nil, false
	}
	b.depth++
	defer func() { b.depth-- }()
	switch node.Kind {
	case yaml.AliasNode:
		return b.value(node.Alias, path)
	case yaml.MappingNode:
		return b.mapping(node, path), true
	case yaml.SequenceNode:
		return b.sequence(node, path), true
	default:
		return b.scalar(node, path)
	}
}

func (b *builder) sequence(node *yaml.Node, path string) []any {
	list := make([]any, 0, len(node.Content))
	for i, item := range node.Content {
		v, _ := b.value(item, fmt.Sprintf("%s[%d]", path, i))
		list = append(list, v)
	}
	return list
}

func (b *builder) mapping(node *yaml.Node, path string) map[string]any {
	m := make(map[string]any, len(node.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		keyNode, valueNode := unalias(node.Content[i]), node.Content[i+1]
		if isMerge(keyNode) {
			merges = append(merges, valueNode)
			continue
		}
		key, ok := b.key(keyNode, path)
		if !ok {
			continue
		}
		at := join(path, key)
		if _, twice := m[key]; twice {
			b.violate(at, keyNode, RuleDuplicateKey, "key %q is already set in this mapping", key)
			continue
		}
		m[key], _ = b.value(valueNode, at)
	}
	for _, from := range merges {
		b.merge(m, from, path)
	}
	return m
}

// merge adds what a "<<" key names; the mapping's own keys win.
func (b *builder) merge(m map[string]any, from *yaml.Node, path string) {
	value, _ := b.value(from, path)
	sources, isList := value.([]any)
	if !isList {
		sources = []any{value}
	}
	for _, source := range sources {
		fields, ok := source.(map[string]any)
		if !ok {
			b.violate(path, from, RuleSyntax, "a merge key needs a mapping, or a list of mappings")
			return
		}
		for k, v := range fields {
			if _, own := m[k]; !own {
				m[k] = v
			}
		}
	}
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.Value == "<<" && (key.Style == 0 || key.Tag == "!!merge")
}

func (b *builder) key(node *yaml.Node, path string) (string, bool) {
	if node.Kind != yaml.ScalarNode {
		b.violate(path, node, RuleSyntax, "a key is a string, not a list or a mapping")
		return "", false
	}
	value, ok := b.scalar(node, path)
	if !ok {
		return "", false
	}
	switch v := value.(type) {
	case string:
		return v, true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 32), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		b.violate(path, node, RuleSyntax, "a key is a string, not null")
		return "", false
	}
}

// scalar resolves as the YAML reader of kubectl does.
func (b *builder) scalar(node *yaml.Node, path string) (any, bool) {
	tagged := node.Style&yaml.TaggedStyle != 0
	switch {
	case tagged && node.ShortTag() == "!!binary":
		decoded, err := base64.StdEncoding.DecodeString(node.Value)
		if err != nil {
			b.violate(path, node, RuleSyntax, "!!binary needs base64: %v", err)
			return nil, false
		}
		return string(decoded), true
	case tagged && !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp"}, node.ShortTag()):
		b.violate(path, node, RuleSyntax, "the tag %s has no meaning here", shortTag(node.Tag))
		return nil, false
	case tagged && node.ShortTag() == "!!str", !tagged && node.Style != 0, tagged && node.ShortTag() == "!!timestamp":
		return node.Value, true
	}
	value := resolve(node.Value)
	if f, ok := value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		b.violate(path, node, RuleSyntax, "%s is not a number that JSON knows", node.Value)
		return nil, false
	}
	return value, true
}

func resolvesToNull(node *yaml.Node) bool {
	return node.Style == 0 && resolve(node.Value) == nil
}

// resolve gives a plain scalar its type.
func resolve(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return true
	case "false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return false
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1)
	}
	if !strings.ContainsRune("+-.0123456789", rune(s[0])) {
		return s
	}
	return resolveNumber(s)
}

func resolveNumber(s string) any {
	plain := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(plain, 0, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(plain, 0, 64); err == nil {
		return float64(u)
	}
	if isFloat(plain) {
		if f, err := strconv.ParseFloat(plain, 64); err == nil {
			return f
		}
	}
	return s
}

// isFloat keeps words that ParseFloat would take, such as "+inf", strings.
func isFloat(s string) bool {
	s = strings.TrimLeft(s, "+-")
	return s != "" && s != "." && strings.Trim(s, "0123456789.eE+-") == "" && (s[0] == '.' || s[0] >= '0' && s[0] <= '9')
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// maxTag is how much of a tag is shown: a value that begins with "!" is one, and may be a key.
const maxTag = 20

func shortTag(tag string) string {
	if len(tag) > maxTag {
		return strings.ToValidUTF8(tag[:maxTag], "") + "..."
	}
	return tag
}
