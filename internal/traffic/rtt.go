package traffic

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// perKilometre is the round trip through fibre that does not run straight; hop is for everything else on the way.
	perKilometre = 16 * time.Microsecond
	hop          = 2 * time.Millisecond
	// sameContinent and elsewhere are for regions that are not Google's: names that begin alike are taken as near.
	sameContinent = 40 * time.Millisecond
	elsewhere     = 150 * time.Millisecond
	earthRadius   = 6371 // kilometres
)

// RTT is a table of round-trip times between regions. It never changes.
type RTT struct {
	places map[string]place
	set    map[[2]string]time.Duration
}

// DefaultRTT estimates by distance between Google's regions.
func DefaultRTT() *RTT {
	return &RTT{places: googleRegions()}
}

// With returns the table with one pair set, in both directions.
func (t *RTT) With(a, b string, rtt time.Duration) *RTT {
	next := &RTT{places: t.places, set: map[[2]string]time.Duration{pair(a, b): rtt}}
	for k, v := range t.set {
		if k != pair(a, b) {
			next.set[k] = v
		}
	}
	return next
}

// Parse returns the table with pairs set as in "us-west1/us-east1=62ms, eu/us-east1=90ms".
func (t *RTT) Parse(text string) (*RTT, error) {
	for _, item := range strings.Split(text, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		regions, value, ok := strings.Cut(item, "=")
		a, b, ok2 := strings.Cut(regions, "/")
		a, b = strings.TrimSpace(a), strings.TrimSpace(b)
		if !ok || !ok2 || a == "" || b == "" {
			return nil, fmt.Errorf("round-trip time %q is not REGION/REGION=TIME", item)
		}
		rtt, err := time.ParseDuration(strings.TrimSpace(value))
		if err != nil || rtt < 0 {
			return nil, fmt.Errorf("round-trip time %q: %q is not a length of time such as 60ms", item, value)
		}
		t = t.With(a, b, rtt)
	}
	return t, nil
}

// Between is the round-trip time between two regions; 0 within one.
func (t *RTT) Between(a, b string) time.Duration {
	if rtt, ok := t.set[pair(a, b)]; ok {
		return rtt
	}
	if a == b {
		return 0
	}
	from, ok1 := t.places[a]
	to, ok2 := t.places[b]
	switch {
	case ok1 && ok2:
		return hop + time.Duration(math.Round(kilometres(from, to)))*perKilometre
	case continent(a) == continent(b):
		return sameContinent
	}
	return elsewhere
}

// Regions are the ones that the table knows by name, sorted.
func (t *RTT) Regions() []string {
	out := make([]string, 0, len(t.places))
	for name := range t.places {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func pair(a, b string) [2]string {
	if b < a {
		a, b = b, a
	}
	return [2]string{a, b}
}

// continent is the first word of a region's name.
func continent(region string) string {
	word, _, _ := strings.Cut(region, "-")
	return word
}

// kilometres is the great-circle distance.
func kilometres(a, b place) float64 {
	rad := func(deg float64) float64 { return deg * math.Pi / 180 }
	dLat, dLon := rad(b.lat-a.lat), rad(b.lon-a.lon)
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(rad(a.lat))*math.Cos(rad(b.lat))*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}
