package scope

import (
	"github.com/spillway-lb/spillway/internal/fleet"
	"github.com/spillway-lb/spillway/internal/recompute"
)

// ReadHome is Home in the fleet as it is.
func (s Scope) ReadHome(v *recompute.View, preferred string) string {
	return s.Home(preferred, s.own(v, preferred))
}

// ReadLocations are Locations in the fleet as it is.
func (s Scope) ReadLocations(v *recompute.View, preferred string) []string {
	return s.Locations(preferred, s.own(v, preferred), fleet.Regions(v))
}

// own is the region of the scope's cluster, "" if it makes no difference.
func (s Scope) own(v *recompute.View, preferred string) string {
	if s.Region != "" || preferred != "" {
		return ""
	}
	return fleet.MemberOf(v, s.Cluster).Region
}
