// Package garbage decides when the groups go that no Service wants.
//
// In: at each tick the ServiceNetworkEndpointGroups that nobody wants, and which of their groups a backend service still uses. Out:
// those that may go, and why others may not. There is no clock in it:
//
//	core := garbage.New(start)
//	collect, kept := core.Tick(now, unwanted) // at core.Next()
package garbage

import (
	"fmt"
	"time"

	"github.com/spillway-lb/spillway/internal/store"
)

// Period is how long lies between two collections. The first one is a period after the start.
const Period = 120 * time.Second

// Unwanted is a ServiceNetworkEndpointGroup that no Service wants.
type Unwanted struct {
	Ref store.Ref
	// Zones are where its groups are; UsedBy a backend service that uses that of a zone, as the Compute API names it.
	Zones  []string
	UsedBy map[string]string
}

// Kept is one that cannot go yet.
type Kept struct {
	Ref  store.Ref
	Text string
}

// Core knows when the next collection is.
type Core struct {
	next time.Time
}

// New makes one that starts now.
func New(now time.Time) *Core { return &Core{next: now.Add(Period)} }

// Next is when Tick has something to do.
func (c *Core) Next() time.Time { return c.next }

// Tick collects if it is time.
func (c *Core) Tick(now time.Time, unwanted func() []Unwanted) (collect []store.Ref, kept []Kept) {
	if now.Before(c.next) {
		return nil, nil
	}
	c.next = now.Add(Period)
	for _, u := range unwanted() {
		if zone, by := u.inUse(); by != "" {
			kept = append(kept, Kept{u.Ref, fmt.Sprintf("failed to delete NEG %s in %s: %s", u.Ref.Name, zone, InUse(zone, u.Ref.Name, by))})
			continue
		}
		collect = append(collect, u.Ref)
	}
	return collect, kept
}

// inUse is the first zone whose group is used, and by which backend service.
func (u *Unwanted) inUse() (zone, by string) {
	for _, zone := range u.Zones {
		if by := u.UsedBy[zone]; by != "" {
			return zone, by
		}
	}
	return "", ""
}

// User is what the Compute API calls a backend service: region is "" for a global one.
func User(region, name string) string {
	if region == "" {
		return "global/backendServices/" + name
	}
	return "regions/" + region + "/backendServices/" + name
}

// InUse is the Compute API's text about a group that a backend service uses, which User names.
func InUse(zone, name, by string) string {
	return fmt.Sprintf("the network_endpoint_group resource 'zones/%s/networkEndpointGroups/%s' is already being used by '%s'", zone, name, by)
}
