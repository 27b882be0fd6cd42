package config

import (
	"bytes"
	"fmt"

	iradix "github.com/hashicorp/go-immutable-radix/v2"
)

// The tree of uses has two sorts of keys: that of a resource, with the number of references to it, and, for the kinds that
// are compiled again when what they read changes, "resource 0 reader".

func readerKey(of, reader key) []byte {
	return append(append(of.bytes(), 0), reader.bytes()...)
}

// usesEdit counts references up and down.
type usesEdit struct {
	txn *iradix.Txn[int]
}

func (u *usesEdit) add(from key, to []key, n int) {
	for _, k := range to {
		u.bump(k.bytes(), n)
		if kinds[from.kind].reader {
			u.bump(readerKey(k, from), n)
		}
	}
}

func (u *usesEdit) bump(k []byte, n int) {
	count, _ := u.txn.Get(k)
	if count += n; count == 0 {
		u.txn.Delete(k)
	} else {
		u.txn.Insert(k, count)
	}
}

func (u *usesEdit) count(k key) int {
	n, _ := u.txn.Get(k.bytes())
	return n
}

// readersOf lists who is compiled again when k changes.
func (u *usesEdit) readersOf(k key) []key {
	var out []key
	prefix := append(k.bytes(), 0)
	u.txn.Root().WalkPrefix(prefix, func(at []byte, _ int) bool {
		kind, name, _ := bytes.Cut(at[len(prefix):], []byte{0})
		out = append(out, key{string(kind), string(name)})
		return false
	})
	return out
}

// someUser describes one resource that refers to k. It looks at everything, which only a refusal pays for.
func someUser(entries *iradix.Txn[*entry], k key) string {
	found := ""
	entries.Root().Walk(func(_ []byte, e *entry) bool {
		for _, to := range references(e.resource) {
			if to == k {
				found = fmt.Sprintf("%s %q", kindOf(e.resource), e.resource.GetName())
				return true
			}
		}
		return false
	})
	return found
}
