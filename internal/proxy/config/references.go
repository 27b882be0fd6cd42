package config

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// Reference is one resource's need of another, which must exist for it to be obeyed.
type Reference struct {
	Kind, Name string
	// Part says that the resource is a part of the other one, such as a rule of its URL map: who has that one needs this
	// one, too.
	Part bool
}

// References are what a resource of a known kind refers to.
func References(r *lbv1.Resource) []Reference {
	row, ok := kinds[kindOf(r)]
	if !ok {
		return nil
	}
	var out []Reference
	row.references(r, func(kind string, names ...string) {
		for _, n := range names {
			out = append(out, Reference{Kind: kind, Name: n, Part: kind == row.whole})
		}
	})
	return out
}
