package gateway

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestAttachmentKeysAreReadBack also where a name has a character that no API server lets through: files come first.
func TestAttachmentKeysAreReadBack(t *testing.T) {
	for _, name := range []string{"a", "a b", "a|b", `a\|`} {
		route := store.Ref{Cluster: "c", Kind: kind.HTTPRoute, Namespace: "n", Name: name}
		gateway := store.Ref{Cluster: "c", Kind: kind.Gateway, Namespace: "n", Name: name}
		if r, g, ok := parseAttachmentKey(attachmentKey(route, gateway)); !ok || r != route || g != gateway {
			t.Errorf("%q became %v and %v, %t", name, r, g, ok)
		}
	}
	for _, key := range []string{"", "a", "a|b", "a|b|c", "HTTPRoute/c/n/r"} {
		if _, _, ok := parseAttachmentKey(key); ok {
			t.Errorf("%q is an attachment", key)
		}
	}
}
