package document

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// At returns where the value of a field stands, or the nearest field around it that there is. Paths are written as
// Kubernetes writes them: spec.rules[0].name, metadata.labels[app]. A field that holds further lines stands where its
// name is.
func (d *Document) At(path string) Position {
	key, value := d.find(path)
	if value == nil {
		return positionOf(d.root)
	}
	if key != nil && (value.Line != key.Line || value.Value == "" && value.Kind == yaml.ScalarNode) {
		return positionOf(key)
	}
	return positionOf(value)
}

// KeyAt returns where the name of a field stands.
func (d *Document) KeyAt(path string) Position {
	key, value := d.find(path)
	if key != nil {
		return positionOf(key)
	}
	if value != nil {
		return positionOf(value)
	}
	return positionOf(d.root)
}

// find follows a path as far as it leads. The key is nil for a list item and for the document itself.
func (d *Document) find(path string) (key, value *yaml.Node) {
	value = d.root
	for path != "" {
		nextKey, next, rest := step(unalias(value), path)
		if next == nil {
			break
		}
		key, value, path = nextKey, next, rest
	}
	return key, value
}

// step takes the first element off a path. Keys may hold dots, so the longest key that the path starts with wins.
func step(node *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	path = strings.TrimPrefix(path, ".")
	switch node.Kind {
	case yaml.SequenceNode:
		end := strings.IndexByte(path, ']')
		if !strings.HasPrefix(path, "[") || end < 0 {
			return nil, nil, ""
		}
		i, err := strconv.Atoi(path[1:end])
		if err != nil || i < 0 || i >= len(node.Content) {
			return nil, nil, ""
		}
		return nil, node.Content[i], path[end+1:]
	case yaml.MappingNode:
		return stepIntoMapping(node, path)
	default:
		return nil, nil, ""
	}
}

func stepIntoMapping(node *yaml.Node, path string) (key, value *yaml.Node, rest string) {
	longest := -1
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := unalias(node.Content[i]).Value
		length, ok := startsWithKey(path, name)
		if ok && len(name) > longest {
			longest = len(name)
			key, value, rest = node.Content[i], node.Content[i+1], path[length:]
		}
	}
	return key, value, rest
}

// startsWithKey accepts both notations, name and [name].
func startsWithKey(path, name string) (int, bool) {
	if strings.HasPrefix(path, "["+name+"]") {
		return len(name) + 2, true
	}
	if !strings.HasPrefix(path, name) {
		return 0, false
	}
	after := path[len(name):]
	return len(name), after == "" || after[0] == '.' || after[0] == '['
}

func child(node *yaml.Node, name string) *yaml.Node {
	node = unalias(node)
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return unalias(node.Content[i+1])
		}
	}
	return nil
}

func unalias(node *yaml.Node) *yaml.Node {
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func positionOf(node *yaml.Node) Position {
	if node == nil {
		return Position{}
	}
	return Position{Line: node.Line, Column: node.Column}
}
