package cel

import (
	"maps"
	"slices"
	"strings"

	"github.com/google/cel-go/common/operators"
)

// otherNames are the attributes and words that people write and that Google does not offer, and what to write instead.
var otherNames = map[string]string{
	"request.url_path":        "write request.path, which has no query",
	"request.uri":             "write request.path and request.query",
	"request.url":             "write request.path and request.query",
	"request.header":          "write request.headers['name']",
	"request.authority":       "write request.host",
	"request.useragent":       "write request.headers['user-agent']",
	"request.referer":         "write request.headers['referer']",
	"request.id":              "write request.headers['x-request-id']",
	"request.time":            "the time cannot be asked for",
	"request.protocol":        "the protocol cannot be asked for",
	"request.backend_service": "write request.backend_service_name",
	"origin.ip":               "write source.ip",
	"connection.server_name":  "write connection.sni",
	"connection.mtls":         "write connection.sha256_peer_certificate_digest.startsWith('')",
	"destination.address":     "the load balancer's own address cannot be asked for: target the Gateway that has it",
	"destination.port":        "the load balancer's own port cannot be asked for: target the Gateway that has it",
}

// attributeAdvice is what to write instead of an attribute that there is not.
func attributeAdvice(name string) string {
	if a := otherNames[name]; a != "" {
		return a
	}
	known := slices.Sorted(maps.Keys(attributes))
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return "write " + k
		}
	}
	family, _, dotted := strings.Cut(name, ".")
	known = slices.DeleteFunc(known, func(k string) bool { return !strings.HasPrefix(k, family+".") })
	switch {
	case len(known) > 0:
		return "there are " + strings.Join(known, ", ")
	case dotted:
		return "attributes begin with request, source or connection"
	default:
		return "texts are written in quotes, and attributes begin with request, source or connection"
	}
}

// otherFunctions are those of CEL and of its neighbours that are not in the documented subset.
var otherFunctions = map[string]string{
	"has":         "an absent header never matches by itself; to ask for its presence write request.headers['name'].startsWith('')",
	"size":        "write matches, as in request.path.matches('^.{10,}$')",
	"string":      "attributes are texts already; numbers are compared with numbers",
	"double":      "write int",
	"uint":        "write int",
	"match":       "write matches",
	"lowerCase":   "write lower",
	"toLowerCase": "write lower",
	"upperCase":   "write upper",
	"toUpperCase": "write upper",
	"inIpRange":   "write source.ip.startsWith('10.0.') or matches",
	"all":         "there are no macros: write the conditions out, with && between them",
	"exists":      "there are no macros: write the conditions out, with || between them",
	"get":         "write request.headers['name']",
}

// functionAdvice is what to write instead of a function that there is not.
func functionAdvice(name string) string {
	if a := otherFunctions[name]; a != "" {
		return a
	}
	known := append(slices.Sorted(maps.Keys(allowedMembers)), integer)
	for _, k := range known {
		if strings.EqualFold(k, name) {
			return "write " + k
		}
	}
	return "there are " + strings.Join(known, ", ")
}

// operatorAdvice is what to write instead of an operator that the subset has not.
var operatorAdvice = map[string]string{
	operators.Conditional: "there is no ?: operator: write (a && b) || (!a && c)",
	operators.In:          "there is no in operator: to ask for a header's presence write request.headers['name'].startsWith('')",
	operators.OldIn:       "there is no in operator: to ask for a header's presence write request.headers['name'].startsWith('')",
	operators.Subtract:    "there is no - operator",
	operators.Multiply:    "there is no * operator",
	operators.Modulo:      "there is no % operator",
	operators.Negate:      "there is no - operator",
	operators.OptIndex:    "there are no optional values: an absent header never matches by itself",
	operators.OptSelect:   "there are no optional values: an absent header never matches by itself",
}
