// Package place reads where a cluster stands, as flags say it.
//
// In: NAME=REGION[/ZONE[,ZONE]]. Out: the name and the place, or what is wrong.
//
//	name, at, err := place.Parse("gke-west-1=us-west1/us-west1-a,us-west1-b")
package place

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Place is where a cluster stands. Zones may be left to whoever asks.
type Place struct {
	Region string
	Zones  []string
}

// Parse reads the value of a flag --cluster.
func Parse(text string) (name string, at Place, err error) {
	wrong := func(what string) (string, Place, error) {
		return "", Place{}, fmt.Errorf("--cluster %q: %s; it is NAME=REGION[/ZONE[,ZONE]]", text, what)
	}
	name, where, found := strings.Cut(text, "=")
	if !found || name == "" {
		return wrong("there is no NAME=")
	}
	region, zones, zoned := strings.Cut(where, "/")
	if problems := validation.IsDNS1123Label(region); len(problems) > 0 {
		return wrong("region: " + problems[0])
	}
	at.Region = region
	if !zoned {
		return name, at, nil
	}
	for zone := range strings.SplitSeq(zones, ",") {
		if problems := validation.IsDNS1123Label(zone); len(problems) > 0 {
			return wrong("zone: " + problems[0])
		}
		if slices.Contains(at.Zones, zone) {
			return wrong("zone " + zone + " is there twice")
		}
		at.Zones = append(at.Zones, zone)
	}
	return name, at, nil
}
