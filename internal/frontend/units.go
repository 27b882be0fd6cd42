package frontend

import (
	"github.com/spillway-lb/spillway/internal/recompute"
)

// Units returns the translators of this package by unit kind.
func Units() map[string]recompute.Translator {
	return map[string]recompute.Translator{unitClaim: translateClaim}
}
