package config

import (
	"fmt"
	"strings"
)

// Refusal is one resource that cannot be obeyed.
type Refusal struct {
	Kind, Name, Reason string
}

// Refused is the error of a transaction that was not applied.
type Refused struct {
	Seq       uint64
	Resources []Refusal
}

func (r *Refused) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "transaction %d refused", r.Seq)
	for _, x := range r.Resources {
		fmt.Fprintf(&b, "; %s %q: %s", x.Kind, x.Name, x.Reason)
	}
	return b.String()
}
