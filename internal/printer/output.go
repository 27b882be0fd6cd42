package printer

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// Output is a parsed -o flag: a format and what follows its "=".
type Output struct {
	Format   string
	Argument string
}

// The formats of -o; the table is the empty one.
const (
	FormatTable         = ""
	FormatWide          = "wide"
	FormatJSON          = "json"
	FormatYAML          = "yaml"
	FormatName          = "name"
	FormatJSONPath      = "jsonpath"
	FormatCustomColumns = "custom-columns"
	FormatGoTemplate    = "go-template"
)

// ParseOutput reads a -o flag.
func ParseOutput(flag string) (Output, error) {
	format, argument, _ := strings.Cut(flag, "=")
	o := Output{format, argument}
	plain := []string{FormatTable, FormatWide, FormatJSON, FormatYAML, FormatName}
	templates := []string{FormatJSONPath, FormatCustomColumns, FormatGoTemplate}
	switch {
	case slices.Contains(plain, format) && argument == "":
		return o, nil
	case slices.Contains(templates, format) && argument != "":
		return o, nil
	case slices.Contains(templates, format):
		return o, fmt.Errorf("-o %s needs a template after %s=", format, format)
	}
	return o, fmt.Errorf("unable to match a printer suitable for the output format %q, allowed formats are: %s",
		flag, strings.Join(append(plain[1:], templates...), ","))
}

// IsTable says whether the output is a table that Table prints.
func (o Output) IsTable() bool { return o.Format == FormatTable || o.Format == FormatWide }

// Print prints objects in any format but a table. One is set if a single object was asked for by name, which prints
// bare, not as a List.
func (o Output) Print(w io.Writer, lists []List, one bool) error {
	switch o.Format {
	case FormatName:
		return printNames(w, lists)
	case FormatCustomColumns:
		return printCustomColumns(w, o.Argument, lists)
	}
	return o.PrintContent(w, content(lists, one))
}

// PrintContent prints fields in one of the formats that need no kind: json, yaml, jsonpath, go-template.
func (o Output) PrintContent(w io.Writer, content map[string]any) error {
	switch o.Format {
	case FormatJSON:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "    ")
		return enc.Encode(content)
	case FormatYAML:
		b, err := yaml.Marshal(content)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	case FormatJSONPath:
		return printJSONPath(w, o.Argument, content)
	case FormatGoTemplate:
		return printGoTemplate(w, o.Argument, content)
	}
	return fmt.Errorf("output format %q", o.Format)
}

// content is the object, or a v1 List of the objects.
func content(lists []List, one bool) map[string]any {
	items := []any{}
	for _, l := range lists {
		for _, object := range l.Objects {
			if one {
				return object.Object
			}
			items = append(items, object.Object)
		}
	}
	return map[string]any{
		"apiVersion": "v1", "kind": "List", "metadata": map[string]any{"resourceVersion": ""}, "items": items,
	}
}

func printNames(w io.Writer, lists []List) error {
	for _, l := range lists {
		for _, object := range l.Objects {
			if _, err := fmt.Fprintf(w, "%s/%s\n", l.Kind.Typed(), object.GetName()); err != nil {
				return err
			}
		}
	}
	return nil
}
