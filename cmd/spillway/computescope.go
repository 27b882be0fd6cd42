package main

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/gcloud"
)

// scope holds gcloud's location flags.
type scope struct {
	global                    bool
	regions, zones, locations []string
}

func (s *scope) addFlags(cmd *cobra.Command, of compute.Collection) {
	f := cmd.Flags()
	f.BoolVar(&s.global, "global", false, "global resources only")
	f.StringSliceVar(&s.regions, "region", nil, "resources of this region only")
	f.StringSliceVar(&s.zones, "zone", nil, "resources of this zone only")
	if of.Service == compute.NetworkServices {
		f.StringSliceVar(&s.locations, "location", nil, "resources of this location only: global or a region")
	}
}

// addListFlags adds the flags that gcloud has for several locations.
func (s *scope) addListFlags(cmd *cobra.Command, of compute.Collection) {
	s.addFlags(cmd, of)
	f := cmd.Flags()
	f.StringSliceVar(&s.regions, "regions", nil, "resources of these regions only")
	f.StringSliceVar(&s.zones, "zones", nil, "resources of these zones only")
}

// holds says whether a resource is in the scope.
func (s *scope) holds(r map[string]any) bool {
	if !s.global && len(s.regions)+len(s.zones)+len(s.locations) == 0 {
		return true
	}
	at, isZone := gcloud.Location(r), r["zone"] != nil
	return (s.global && at == "global") || slices.Contains(s.locations, at) ||
		(!isZone && slices.ContainsFunc(s.regions, func(region string) bool { return path.Base(region) == at })) ||
		(isZone && slices.ContainsFunc(s.zones, func(zone string) bool { return path.Base(zone) == at }))
}

// named are the resources of a name, or of a URL, in the scope.
func (s *scope) named(resources []map[string]any, name string) []map[string]any {
	return slices.DeleteFunc(resources, func(r map[string]any) bool { return !isNamed(r, name) || !s.holds(r) })
}

// isNamed takes a name, and the end of a URL that begins where the location does, or before.
func isNamed(r map[string]any, name string) bool {
	return nameOf(r) == name || (strings.Contains(name, "/") && strings.HasSuffix("/"+gcloud.URI(r), "/"+strings.TrimPrefix(name, "/")))
}

// nameOf is the last part of what the Network Services API calls a name.
func nameOf(r map[string]any) string {
	name, _ := r["name"].(string)
	return path.Base(name)
}

// one is the resource of a name in the scope.
func (s *scope) one(of compute.Collection, resources []map[string]any, name string) (map[string]any, error) {
	found := s.named(resources, name)
	switch len(found) {
	case 0:
		return nil, resourceNotFound(of.Command, name)
	case 1:
		return found[0], nil
	}
	flag := "--region"
	if found[0]["zone"] != nil {
		flag = "--zone"
	}
	return nil, fmt.Errorf("underspecified resource [%s]; specify the [%s] flag", name, flag)
}

func resourceNotFound(collection, name string) error {
	return fmt.Errorf("could not fetch resource:\n - The resource '%s/%s' was not found", collection, name)
}
