package explain

import (
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// matchText describes a rule's match.
func matchText(m *lbv1.RouteMatch) string {
	var parts []string
	if m.GetMethod() != "" {
		parts = append(parts, "method "+m.GetMethod())
	}
	switch p := m.GetPath().(type) {
	case *lbv1.RouteMatch_Exact:
		parts = append(parts, "path "+p.Exact)
	case *lbv1.RouteMatch_Prefix:
		parts = append(parts, "path prefix "+p.Prefix)
	case *lbv1.RouteMatch_Regex:
		parts = append(parts, "path ~ "+p.Regex)
	}
	for _, h := range m.GetHeaders() {
		parts = append(parts, "header "+valueText(h))
	}
	for _, q := range m.GetQueryParams() {
		parts = append(parts, "query parameter "+valueText(q))
	}
	if len(parts) == 0 {
		return "everything"
	}
	return strings.Join(parts, ", ")
}

func valueText(v *lbv1.ValueMatch) string {
	switch x := v.GetValue().(type) {
	case *lbv1.ValueMatch_Exact:
		return v.GetName() + " = " + x.Exact
	case *lbv1.ValueMatch_Regex:
		return v.GetName() + " ~ " + x.Regex
	}
	return v.GetName() + " present"
}
