package computeapi

import (
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/compute"
)

// TestADeletionThatComesToNothing: what is published again, or still, after Google's time for waiting can be deleted again.
func TestADeletionThatComesToNothing(t *testing.T) {
	var o operations
	group := compute.Resource{Path: "projects/p/zones/z/networkEndpointGroups/g"}
	now := time.Unix(0, 0)
	first, begun := o.begin("p", now, group)
	if again, other := o.begin("p", now.Add(patience), group); !begun || other || again != first {
		t.Errorf("a second one begins: %s after %s", again, first)
	}
	o.observe(func(compute.Resource) bool { return true }, now)
	second, begun := o.begin("p", now.Add(patience+time.Second), group)
	if !begun || second == first {
		t.Error("none begins when the first has come to nothing")
	}
	for _, one := range o.list() {
		if failed := one.Error != nil; failed != (one.Name == first) || failed != (one.Status == statusDone) {
			t.Errorf("%s is %s: %+v", one.Name, one.Status, one.Error)
		}
	}
}
