// Package gcloud selects and prints resources as the list and describe commands of gcloud do.
//
// In: the flags --filter, --sort-by, --limit, --uri and --format, and resources with the fields of the Compute API. Out:
// text. It is pure.
//
//	query, err := gcloud.Parse(gcloud.Flags{Filter: "name~^web", Table: "table(name)"})
//	resources = query.Select(resources)
//	err = query.PrintList(w, resources)
//
// The languages are gcloud's, without some transforms of projections: see docs/compatibility.md. ParseFilter has the filters of
// the API itself.
package gcloud

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Flags are a command's flags as typed.
type Flags struct {
	Filter string
	// Flatten are lists of which each member makes a resource.
	Flatten string
	SortBy  string
	// Limit is the most resources to list, 0 for all.
	Limit  int
	URI    bool
	Format string
	// Table is the format of a list that is asked for none.
	Table string
}

// Query is what the flags ask for.
type Query struct {
	filter  Condition
	flatten []path
	order   []sortKey
	limit   int
	format  format
	table   format
}

// sortKey is one field of --sort-by.
type sortKey struct {
	path       path
	descending bool
}

// Parse reads the flags.
func Parse(flags Flags) (*Query, error) {
	q := &Query{limit: flags.Limit}
	var err error
	if flags.Limit < 0 {
		return nil, fmt.Errorf("argument --limit: value must be greater than or equal to 1; received: %d", flags.Limit)
	}
	if q.filter, err = parseFilter(flags.Filter); err != nil {
		return nil, fmt.Errorf("argument --filter: %w", err)
	}
	if q.flatten, err = parseFlatten(flags.Flatten); err != nil {
		return nil, fmt.Errorf("argument --flatten: %w", err)
	}
	if q.order, err = parseOrder(flags.SortBy); err != nil {
		return nil, fmt.Errorf("argument --sort-by: %w", err)
	}
	if flags.URI {
		flags.Format = "value(uri())"
	}
	if q.table, err = parseFormat(flags.Table); err != nil {
		return nil, fmt.Errorf("the table of a list: %w", err)
	}
	if q.format, err = parseFormat(flags.Format); err != nil {
		return nil, fmt.Errorf("argument --format: %w", err)
	}
	return q, nil
}

func parseOrder(flag string) ([]sortKey, error) {
	var keys []sortKey
	if strings.TrimSpace(flag) == "" {
		return nil, nil
	}
	for field := range strings.SplitSeq(flag, ",") {
		name, descending := strings.CutPrefix(strings.TrimSpace(field), "~")
		p, err := parsePath(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, sortKey{p, descending})
	}
	return keys, nil
}

// Select returns what fits of the resources, as gcloud does: flattened, then in order, then filtered, then as many as the limit allows.
func (q *Query) Select(resources []map[string]any) []map[string]any {
	out := flatten(slices.Clone(resources), q.flatten)
	slices.SortStableFunc(out, func(a, b map[string]any) int {
		for _, key := range q.order {
			order := compare(text(key.path.get(a)), text(key.path.get(b)))
			if key.descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	})
	if q.filter != nil {
		out = slices.DeleteFunc(out, func(r map[string]any) bool { return !q.filter(r) })
	}
	if q.limit > 0 && len(out) > q.limit {
		out = out[:q.limit]
	}
	return out
}

// compare orders numbers as numbers and everything else as text.
func compare(a, b string) int {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(a, b)
}
