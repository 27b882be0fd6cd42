package fleet

import (
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// Units returns the translators of this package by unit kind.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{
		UnitMembers: translateMembers,
	}
}

// Roots returns the object kinds that make units of this package exist.
func Roots() []recompute.Root { return nil }

// Indexes returns the store indexes that the units read.
func Indexes() []store.Index { return nil }
