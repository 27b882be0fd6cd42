package gcloud

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// PrintList prints what a list command does.
func (q *Query) PrintList(w io.Writer, resources []map[string]any) error {
	switch f := q.format; {
	case f.name == formatNone:
		return nil
	case f.name == formatJSON:
		return printJSON(w, f.contents(resources))
	case f.name == formatYAML:
		for _, content := range f.contents(resources) {
			fmt.Fprintln(w, "---")
			if err := printYAML(w, content); err != nil {
				return err
			}
		}
		return nil
	case f.name == formatText:
		for _, content := range f.contents(resources) {
			if err := f.printFlattened(w, content); err != nil {
				return err
			}
		}
		return nil
	case f.name == formatList:
		return f.printItems(w, resources)
	case f.columns == nil:
		f.columns, f.name = q.table.columns, formatTable
		return f.rows(w, resources)
	}
	return q.format.rows(w, resources)
}

// PrintOne prints what a describe command does.
func (q *Query) PrintOne(w io.Writer, resource map[string]any) error {
	switch f := q.format; {
	case f.name == formatNone:
		return nil
	case f.name == formatJSON:
		return printJSON(w, f.content(resource))
	case f.name == formatText || f.name == formatList:
		return q.PrintList(w, []map[string]any{resource})
	case f.columns == nil || f.name == formatYAML:
		return printYAML(w, f.content(resource))
	}
	return q.format.rows(w, []map[string]any{resource})
}

// PrintDocuments prints what a command does that answers with several objects, each a document of its own.
func (q *Query) PrintDocuments(w io.Writer, objects []map[string]any) error {
	if f := q.format; f.name == formatDefault {
		q = &Query{format: format{name: formatYAML, attributes: f.attributes}}
	}
	return q.PrintList(w, objects)
}

// contents are what JSON and YAML show of resources.
func (f format) contents(resources []map[string]any) []any {
	out := []any{}
	for _, r := range resources {
		out = append(out, f.content(r))
	}
	return out
}

// content is what JSON and YAML show of a resource: the projection's fields, where they were.
func (f format) content(fields map[string]any) any {
	if f.columns == nil {
		return fields
	}
	out := map[string]any{}
	for _, c := range f.columns {
		if value := c.value(fields); value != nil {
			place(out, c.path, value)
		}
	}
	return out
}

// place puts a value at a path's names.
func place(out map[string]any, p path, value any) {
	names := p.names()
	for _, s := range names[:len(names)-1] {
		inner, ok := out[s.name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			out[s.name] = inner
		}
		out = inner
	}
	out[names[len(names)-1].name] = value
}

// rows prints the columns of a projection.
func (f format) rows(w io.Writer, resources []map[string]any) error {
	var headers []string
	var rows [][]string
	for _, c := range f.columns {
		headers = append(headers, c.label)
	}
	for _, r := range resources {
		var row []string
		for _, c := range f.columns {
			row = append(row, f.cell(c.value(r)))
		}
		rows = append(rows, row)
	}
	switch f.name {
	case formatTable:
		return f.table(w, headers, rows)
	case formatCSV:
		return f.csv(w, headers, rows)
	}
	separator, ok := f.attributes[attributeSeparator]
	if !ok {
		separator = "\t"
	}
	for _, row := range rows {
		if _, err := fmt.Fprintln(w, strings.Join(row, separator)); err != nil {
			return err
		}
	}
	return nil
}

// cell is a value in a row: gcloud's tables show lists and objects as Python does.
func (f format) cell(value any) string {
	if f.name == formatTable {
		switch value.(type) {
		case []any, map[string]any:
			return repr(value)
		}
	}
	if f.name == formatGet {
		value = asPython(value)
	}
	if list, isList := value.([]any); isList {
		if delimiter, ok := f.attributes[attributeDelimiter]; ok {
			return strings.Join(texts(list), delimiter)
		}
	}
	return text(value)
}

// asPython is a value whose objects are text, as get() shows them.
func asPython(value any) any {
	switch v := value.(type) {
	case map[string]any:
		return repr(v)
	case []any:
		out := make([]any, len(v))
		for i, member := range v {
			out[i] = asPython(member)
		}
		return out
	}
	return value
}

func (f format) headed() bool {
	_, without := f.attributes[attributeNoHeading]
	return !without
}

func (f format) csv(w io.Writer, headers []string, rows [][]string) error {
	out := csv.NewWriter(w)
	if separator, ok := f.attributes[attributeSeparator]; ok {
		if out.Comma = firstRune(separator); len(separator) != utf8.RuneLen(out.Comma) {
			return fmt.Errorf("csv[separator=...] is one character, not %q", separator)
		}
	}
	if f.headed() {
		// An error of the writer stays until the end.
		_ = out.Write(strings.Split(strings.ToLower(strings.Join(headers, "\n")), "\n"))
	}
	if err := out.WriteAll(rows); err != nil {
		return err
	}
	return out.Error()
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func printJSON(w io.Writer, content any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(content)
}

func printYAML(w io.Writer, content any) error {
	b, err := yaml.Marshal(content)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}
