package printer

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/client-go/util/jsonpath"

	"github.com/spillway-lb/spillway/internal/condition"
)

// TableOptions are kubectl get's.
type TableOptions struct {
	Now time.Time
	// Wide adds the columns of -o wide.
	Wide bool
	// WithNamespace adds the column of -A.
	WithNamespace bool
	NoHeaders     bool
	// WithKind prefixes names with their kind, as kubectl does when several kinds were asked for.
	WithKind bool
	// ShowLabels adds the column of --show-labels.
	ShowLabels bool
}

// table is what a kind's layout makes of its objects.
type table struct {
	headers []string
	rows    [][]string
}

// Table prints lists as kubectl get does, with an empty line between kinds. Empty lists print nothing.
func Table(w io.Writer, lists []List, o TableOptions) error {
	first := true
	for _, l := range lists {
		if len(l.Objects) == 0 {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		t, err := layout(l, o)
		if err != nil {
			return err
		}
		if err := t.write(w, o.NoHeaders); err != nil {
			return err
		}
	}
	return nil
}

func layout(l List, o TableOptions) (table, error) {
	t, err := kindTable(l, o)
	if err != nil {
		return t, err
	}
	for i, object := range l.Objects {
		// The name is first but for events, whose rows have none unless wide.
		if o.WithKind && t.headers[0] == "NAME" {
			t.rows[i][0] = l.Kind.Typed() + "/" + t.rows[i][0]
		}
		if o.WithNamespace && l.Kind.Namespaced {
			t.rows[i] = append([]string{object.GetNamespace()}, t.rows[i]...)
		}
		if o.ShowLabels {
			t.rows[i] = append(t.rows[i], labelList(object.GetLabels()))
		}
	}
	if o.WithNamespace && l.Kind.Namespaced {
		t.headers = append([]string{"NAMESPACE"}, t.headers...)
	}
	if o.ShowLabels {
		t.headers = append(t.headers, "LABELS")
	}
	return t, nil
}

func kindTable(l List, o TableOptions) (table, error) {
	if own := coreLayouts()[l.Kind.Ref()]; own.row != nil {
		t := own.table(l.Objects, o)
		if o.Wide && len(l.Problems) > 0 {
			t.addProblems(l)
		}
		return t, nil
	}
	columns := l.Kind.Columns
	if columns == nil {
		columns = []Column{age()}
	}
	t, err := columnTable(l.Objects, columns, o)
	if err == nil && o.Wide && l.Kind.hasConditions() {
		t.addProblems(l)
	}
	return t, err
}

// addProblems adds a column of our own: what is not well, and why. Tables that are kubectl's have it only if there is any.
func (t *table) addProblems(l List) {
	t.headers = append(slices.Clip(t.headers), "PROBLEM")
	for i, object := range l.Objects {
		status, _ := object.Object["status"].(map[string]any)
		bad := slices.Clone(l.problemsOf(object))
		for _, c := range condition.Distinct(condition.Bad(status)) {
			if text := c.String(); !slices.Contains(bad, text) {
				bad = append(bad, text)
			}
		}
		t.rows[i] = append(t.rows[i], orNone(strings.ReplaceAll(strings.Join(bad, "; "), "\n", " ")))
	}
}

// columnTable evaluates the columns as an API server does for a CRD.
func columnTable(objects []Object, columns []Column, o TableOptions) (table, error) {
	t := table{headers: []string{"NAME"}, rows: make([][]string, len(objects))}
	for i, object := range objects {
		t.rows[i] = []string{object.GetName()}
	}
	for _, c := range columns {
		if c.Wide && !o.Wide {
			continue
		}
		t.headers = append(t.headers, strings.ToUpper(c.Header))
		path := jsonpath.New(c.Header).AllowMissingKeys(true)
		if err := path.Parse("{" + c.Path + "}"); err != nil {
			return t, err
		}
		for i, object := range objects {
			t.rows[i] = append(t.rows[i], columnCell(path, c, object, o.Now))
		}
	}
	return t, nil
}

// columnCell prints the first result only, as an API server does.
func columnCell(path *jsonpath.JSONPath, c Column, object Object, now time.Time) string {
	results, err := path.FindResults(object.Object)
	if err != nil || len(results) == 0 || len(results[0]) == 0 {
		return ""
	}
	var b strings.Builder
	if err := path.PrintResults(&b, results[0][:1]); err != nil {
		return ""
	}
	if c.Date {
		return sinceText(b.String(), now)
	}
	return b.String()
}

// write aligns with kubectl's parameters: three blanks between columns, none at the end of a line.
func (t table) write(w io.Writer, noHeaders bool) error {
	tw := tabwriter.NewWriter(w, 6, 4, 3, ' ', 0)
	if !noHeaders {
		fmt.Fprintln(tw, strings.Join(t.headers, "\t"))
	}
	for _, row := range t.rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}
