package conformance

import (
	"net/http"
	"strings"
)

// target is what a request of the API is about. An empty name is a list, or a creation.
type target struct {
	resource
	namespace, name, subresource string
}

// parse reads a path: /api/v1/... or /apis/GROUP/VERSION/..., with namespaces/NAMESPACE where there is one.
func parse(r *http.Request) (target, bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	group, version, rest := "", "", []string(nil)
	switch {
	case len(parts) >= 3 && parts[0] == "api":
		version, rest = parts[1], parts[2:]
	case len(parts) >= 4 && parts[0] == "apis":
		group, version, rest = parts[1], parts[2], parts[3:]
	default:
		return target{}, false
	}
	t := target{}
	if rest[0] == "namespaces" && len(rest) >= 3 {
		t.namespace, rest = rest[1], rest[2:]
	}
	found, ok := find(group, version, rest[0])
	if !ok || len(rest) > 3 {
		return target{}, false
	}
	t.resource = found
	if len(rest) > 1 {
		t.name = rest[1]
	}
	if len(rest) > 2 {
		t.subresource = rest[2]
	}
	return t, true
}
