package printer

import (
	"encoding/base64"
	"fmt"
	"io"
	"strings"
	"text/template"

	"k8s.io/client-go/util/jsonpath"
)

// relaxed takes {.a.b}, .a.b and a.b alike, as kubectl does.
func relaxed(expression string) string {
	if expression == "" || strings.Contains(expression, "{") {
		return expression
	}
	return "{." + strings.TrimPrefix(strings.TrimPrefix(expression, "$"), ".") + "}"
}

func printJSONPath(w io.Writer, expression string, content map[string]any) error {
	path := jsonpath.New("out").AllowMissingKeys(true)
	if err := path.Parse(relaxed(expression)); err != nil {
		return fmt.Errorf("error parsing jsonpath %s, %w", expression, err)
	}
	return path.Execute(w, content)
}

func printGoTemplate(w io.Writer, text string, content map[string]any) error {
	t, err := template.New("output").Funcs(template.FuncMap{"base64decode": base64Decode}).Parse(text)
	if err != nil {
		return fmt.Errorf("error parsing template %s, %w", text, err)
	}
	return t.Execute(w, content)
}

func base64Decode(s string) (string, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	return string(b), err
}

// printCustomColumns prints the columns of a spec like NAME:.metadata.name,IP:.status.addresses[*].value.
func printCustomColumns(w io.Writer, spec string, lists []List) error {
	t := table{}
	var paths []*jsonpath.JSONPath
	for part := range strings.SplitSeq(spec, ",") {
		header, expression, ok := strings.Cut(part, ":")
		if !ok || header == "" || expression == "" {
			return fmt.Errorf("unexpected custom-columns spec: %s, expected <header>:<json-path-expr>", part)
		}
		path := jsonpath.New(header).AllowMissingKeys(true)
		if err := path.Parse(relaxed(expression)); err != nil {
			return err
		}
		t.headers, paths = append(t.headers, header), append(paths, path)
	}
	for _, l := range lists {
		for _, object := range l.Objects {
			row, err := customRow(paths, object)
			if err != nil {
				return err
			}
			t.rows = append(t.rows, row)
		}
	}
	return t.write(w, false)
}

func customRow(paths []*jsonpath.JSONPath, object Object) ([]string, error) {
	var row []string
	for _, path := range paths {
		results, err := path.FindResults(object.Object)
		if err != nil {
			return nil, err
		}
		var values []string
		for _, result := range results {
			for _, value := range result {
				if value.IsValid() && value.CanInterface() && value.Interface() != nil {
					values = append(values, fmt.Sprint(value.Interface()))
				}
			}
		}
		row = append(row, orNone(strings.Join(values, ",")))
	}
	return row, nil
}
