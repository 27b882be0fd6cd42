package place_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/spillway-lb/spillway/internal/place"
)

func TestParse(t *testing.T) {
	for text, want := range map[string][]string{ // name, region, zones
		"c=us-west1":                       {"c", "us-west1"},
		"c=us-west1/us-west1-a":            {"c", "us-west1", "us-west1-a"},
		"c=us-west1/us-west1-a,us-west1-b": {"c", "us-west1", "us-west1-a", "us-west1-b"},
		"gke_p_r_c=us-west1":               {"gke_p_r_c", "us-west1"},
	} {
		name, at, err := place.Parse(text)
		if got := append([]string{name, at.Region}, at.Zones...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"us-west1":    "no NAME=",
		"=us-west1":   "no NAME=",
		"c=":          "region:",
		"c=US":        "region:",
		"c=us-west1/": "zone:",
		"c=r/a,,b":    "zone:",
		"c=r/a,a":     "zone a is there twice",
		"c=r/a/b":     "zone:",
	} {
		if _, _, err := place.Parse(text); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "NAME=REGION") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
