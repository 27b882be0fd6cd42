package computeapi

import (
	"cmp"
	"maps"
	"net/http"
	"slices"

	api "google.golang.org/api/compute/v1"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/names"
)

// places are the regions and zones that there are, as far as something is in them.
type places struct {
	regions []string
	zones   map[string]*api.Zone
	project string
}

func placesOf(model *lbv1.Model, info control.Info) places {
	p := places{zones: map[string]*api.Zone{}, project: info.Project()}
	regions := map[string]bool{info.Home: true}
	for _, cluster := range info.Clusters {
		regions[cluster.Region] = true
	}
	for _, r := range model.GetResources() {
		regions[r.GetBackendService().GetRegion()] = true
		regions[r.GetForwardingRule().GetRegion()] = true
		for _, vip := range r.GetForwardingRule().GetVips() {
			regions[vip.GetRegion()] = true
		}
		if g := r.GetNetworkEndpointGroup(); g != nil {
			zone, _ := names.SplitGroup(r.GetName())
			regions[g.GetRegion()] = true
			p.zones[zone] = p.zone(zone, g.GetRegion())
		}
	}
	delete(regions, "")
	delete(p.zones, "")
	p.regions = slices.Sorted(maps.Keys(regions))
	return p
}

func (p places) zone(name, region string) *api.Zone {
	path := "projects/" + p.project + "/zones/" + name
	z := &api.Zone{Kind: "compute#zone", Id: compute.Resource{Path: path}.ID(), Name: name, Status: "UP", SelfLink: compute.SelfLink(path)}
	if region != "" {
		z.Region = p.regionLink(region)
	}
	return z
}

func (p places) region(name string) *api.Region {
	path := "projects/" + p.project + "/regions/" + name
	r := &api.Region{Kind: "compute#region", Id: compute.Resource{Path: path}.ID(), Name: name, Status: "UP", SelfLink: compute.SelfLink(path)}
	for _, zone := range slices.Sorted(maps.Keys(p.zones)) {
		if p.zones[zone].Region == r.SelfLink {
			r.Zones = append(r.Zones, p.zones[zone].SelfLink)
		}
	}
	return r
}

func (p places) regionLink(region string) string {
	return compute.SelfLink("projects/" + p.project + "/regions/" + region)
}

// without are the locations, zones among them if they are asked for, that have none of these members.
func (p places) without(zonal bool, members []compute.Resource) []compute.Location {
	all := []compute.Location{{}}
	for _, region := range p.regions {
		all = append(all, compute.Location{Region: region})
	}
	if zonal {
		for zone := range p.zones {
			all = append(all, compute.Location{Zone: zone})
		}
	}
	has := byLocation(members)
	return slices.DeleteFunc(all, func(at compute.Location) bool { return len(has[at]) > 0 })
}

func (c *call) project() (any, error) {
	path := "projects/" + c.edition.info.Project()
	return &api.Project{
		Kind: "compute#project", Id: compute.Resource{Path: path}.ID(), Name: c.edition.info.Project(), SelfLink: compute.SelfLink(path),
		CreationTimestamp: c.edition.info.Started.UTC().Format(timeLayout),
	}, nil
}

// places are few: they have no pages.
func (c *call) listRegions() (any, error) {
	out := &api.RegionList{Kind: "compute#regionList", Id: c.path(), SelfLink: compute.SelfLink(c.path())}
	for _, name := range c.edition.places.regions {
		out.Items = append(out.Items, c.edition.places.region(name))
	}
	return out, nil
}

func (c *call) getRegion() (any, error) {
	if name := c.PathValue("region"); slices.Contains(c.edition.places.regions, name) {
		return c.edition.places.region(name), nil
	}
	return nil, notFound(c.path())
}

func (c *call) listZones() (any, error) {
	out := &api.ZoneList{Kind: "compute#zoneList", Id: c.path(), SelfLink: compute.SelfLink(c.path())}
	for _, name := range slices.Sorted(maps.Keys(c.edition.places.zones)) {
		out.Items = append(out.Items, c.edition.places.zones[name])
	}
	return out, nil
}

func (c *call) getZone() (any, error) {
	if zone := c.edition.places.zones[c.PathValue("zone")]; zone != nil {
		return zone, nil
	}
	return nil, notFound(c.path())
}

// timeLayout is how the Compute API writes times.
const timeLayout = "2006-01-02T15:04:05.000-07:00"

// everywhere stands for all locations in the Network Services API.
const everywhere = "-"

// location is the one of a path of the Network Services API; ok is false if there is none of its name.
func (c *call) location() (region string, ok bool) {
	switch at := c.PathValue("location"); at {
	case "global":
		return "", true
	default:
		return at, at == everywhere || slices.Contains(c.edition.places.regions, at)
	}
}

// networkLocation is a location of the Network Services API.
type networkLocation struct {
	Name       string `json:"name"`
	LocationID string `json:"locationId"`
}

func (c *call) networkLocation(region string) networkLocation {
	id := cmp.Or(region, "global")
	return networkLocation{"projects/" + c.edition.info.Project() + "/locations/" + id, id}
}

func (c *call) listLocations() (any, error) {
	all := []networkLocation{c.networkLocation("")}
	for _, region := range c.edition.places.regions {
		all = append(all, c.networkLocation(region))
	}
	return map[string]any{"locations": all}, nil
}

func (c *call) getLocation() (any, error) {
	region, ok := c.location()
	if !ok || region == everywhere {
		return nil, &Error{Code: http.StatusNotFound, Reason: reasonNotFound, Message: "Location '" + c.PathValue("location") + "' was not found"}
	}
	return c.networkLocation(region), nil
}
