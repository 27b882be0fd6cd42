package frontend

import (
	"maps"
	"slices"

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
	// Plugins are the Wasm plugins that they run.
	Plugins []Plugin
}

// Plugin is a Wasm plugin with all of its versions.
type Plugin struct {
	Name     string
	Versions []string
}

// Equal compares values.
func (e Extensions) Equal(other any) bool {
	o, ok := other.(Extensions)
	return ok && maps.Equal(e.Route, o.Route) && maps.Equal(e.Traffic, o.Traffic) &&
		slices.EqualFunc(e.Plugins, o.Plugins, func(a, b Plugin) bool { return a.Name == b.Name && slices.Equal(a.Versions, b.Versions) })
}

// Of are the resources that extend the requests of a port.
func (e Extensions) Of(port int32) []string {
	return slices.DeleteFunc([]string{e.Route[port], e.Traffic[port]}, func(name string) bool { return name == "" })
}

// ExtensionsOf are those of an owner. Without its unit nothing extends anything; while it is held, the reader must hold.
func ExtensionsOf(v *recompute.View, owner store.Ref) (e Extensions, held bool) {
	e, _, held = recompute.Value[Extensions](v, UnitExtensions, owner.String())
	return e, held
}
