package extension

import (
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/unitkey"
)

// memberKey names an extension and a Gateway that it names.
type memberKey struct{ extension, gateway store.Ref }

func (k memberKey) String() string { return unitkey.Join(k.extension.String(), k.gateway.String()) }

func parseMemberKey(key string) (k memberKey, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return k, false
	}
	var ok2 bool
	k.extension, ok = store.ParseRef(parts[0])
	k.gateway, ok2 = store.ParseRef(parts[1])
	return k, ok && ok2
}

// attachmentKey names the extensions of a kind on a Gateway.
type attachmentKey struct {
	kind    string
	gateway store.Ref
}

func (k attachmentKey) String() string { return unitkey.Join(k.kind, k.gateway.String()) }

func parseAttachmentKey(key string) (k attachmentKey, ok bool) {
	parts, ok := unitkey.Split(key, 2)
	if !ok {
		return k, false
	}
	k.kind = parts[0]
	k.gateway, ok = store.ParseRef(parts[1])
	return k, ok
}
