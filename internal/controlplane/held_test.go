package controlplane

import (
	"fmt"
	"slices"
	"testing"

	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// A status is held until proxies have dealt with it; a success that is not one by then is not told.
func TestWhatIsTakenBackWhileItIsHeldIsNotSaid(t *testing.T) {
	change := func(name string, part recompute.Part, key string, removed bool) recompute.WriteChange {
		return recompute.WriteChange{Write: recompute.Write{Ref: store.Ref{Name: name}, Part: part, Key: key}, Removed: removed}
	}
	got := stillWanted([]recompute.WriteChange{
		change("r", recompute.PartStatus, "", false),
		change("r", recompute.PartEvent, "SYNC", false),
		change("r", recompute.PartEvent, "ADD", false),
		change("q", recompute.PartEvent, "SYNC", false),
		change("r", recompute.PartStatus, "", false),
		change("r", recompute.PartEvent, "SYNC", true),
	})
	var text []string
	for _, c := range got {
		text = append(text, fmt.Sprint(c.Ref.Name, " ", c.Part, " ", c.Key, " ", c.Removed))
	}
	want := []string{"r event ADD false", "q event SYNC false", "r status  false", "r event SYNC true"}
	if !slices.Equal(text, want) {
		t.Errorf("%q, want %q", text, want)
	}
}
