package config

import (
	"strconv"
	"strings"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// key identifies a resource.
type key struct{ kind, name string }

// bytes is the key in the persistent trees; kinds sort together.
func (k key) bytes() []byte {
	b := make([]byte, 0, len(k.kind)+1+len(k.name))
	return append(append(append(b, k.kind...), 0), k.name...)
}

// kindOf is "" for a resource without a body that this version knows.
func kindOf(r *lbv1.Resource) string { return lbv1.KeyOf(r).GetKind() }

// shardName is the name of a group's i-th shard.
func shardName(group string, i int) string { return group + "/" + strconv.Itoa(i) }

// place splits a name of the form PARENT/REST.
func place(name string) (parent, rest string) {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return "", name
	}
	return name[:i], name[i+1:]
}
