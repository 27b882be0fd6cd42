package frontend

import (
	"maps"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// UnitExtensions is what extends the requests of an owner. Its key is the owner's Ref, its value an Extensions. Whoever knows
// the kinds of extensions translates it.
const UnitExtensions = "frontend.extensions"

// Extensions are what extends the requests of an owner.
type Extensions struct {
	// Route and Traffic name the resources by port.
	Route, Traffic map[int32]string
}

// Equal compares values.
func (e Extensions) Equal(other any) bool {
	o, ok := other.(Extensions)
	return ok && maps.Equal(e.Route, o.Route) && maps.Equal(e.Traffic, o.Traffic)
}

// ExtensionsOf are those of an owner. Without its unit nothing extends anything; while it is held, the reader must hold.
func ExtensionsOf(v *recompute.View, owner store.Ref) (e Extensions, held bool) {
	e, _, held = recompute.Value[Extensions](v, UnitExtensions, owner.String())
	return e, held
}
