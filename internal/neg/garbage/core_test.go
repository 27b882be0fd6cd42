package garbage_test

import (
	"testing"
	"time"

	"github.com/spillway-lb/spillway/internal/neg/garbage"
	"github.com/spillway-lb/spillway/internal/store"
)

// TestEveryTwoMinutes: the first collection is a period after the start; what is used stays, and is told of each time.
func TestEveryTwoMinutes(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := garbage.New(start)
	free, used := store.Ref{Name: "free"}, store.Ref{Name: "used"}
	unwanted := func() []garbage.Unwanted {
		return []garbage.Unwanted{{Ref: free, Zones: []string{"a"}}, {Ref: used, Zones: []string{"a", "b"}, UsedBy: map[string]string{"b": garbage.User("", "web")}}}
	}
	if collect, kept := c.Tick(start.Add(garbage.Period-time.Second), unwanted); collect != nil || kept != nil {
		t.Errorf("too early: %v, %v", collect, kept)
	}
	for i := 1; i <= 3; i++ {
		now := start.Add(time.Duration(i) * garbage.Period)
		if c.Next() != now {
			t.Fatalf("next is %v, want %v", c.Next(), now)
		}
		collect, kept := c.Tick(now, unwanted)
		if len(collect) != 1 || collect[0] != free || len(kept) != 1 || kept[0].Ref != used {
			t.Errorf("collected %v, kept %v", collect, kept)
		}
		want := "failed to delete NEG used in b: the network_endpoint_group resource 'zones/b/networkEndpointGroups/used' is already being used by 'global/backendServices/web'"
		if len(kept) == 1 && kept[0].Text != want {
			t.Errorf("told %q", kept[0].Text)
		}
	}
}

// TestAUserIsNamedWithItsRegion: a regional backend service is no global one.
func TestAUserIsNamedWithItsRegion(t *testing.T) {
	want := "the network_endpoint_group resource 'zones/z/networkEndpointGroups/g' is already being used by 'regions/us-west1/backendServices/web'"
	if got := garbage.InUse("z", "g", garbage.User("us-west1", "web")); got != want {
		t.Errorf("told %q", got)
	}
}
