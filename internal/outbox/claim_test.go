package outbox

import (
	"reflect"
	"testing"
)

// TestTwoInstallsClaimOneClass: both say the same of the same Gateways and routes, and want the same objects. The second one finds everything as it
// wants it and writes nothing there, what the first one made stays the first one's, and neither wakes the other.
func TestTwoInstallsClaimOneClass(t *testing.T) {
	a := worldWithObjects(t)
	names := []string{"gateways/store/web", "httproutes/store/r", "services/store/derived"}
	before := map[string]map[string]any{}
	for _, name := range names {
		before[name] = a.api.get(name)
	}
	b := newWorld(t, a.api)
	b.owner.Install = "b"
	b.restart(everything())
	b.settle()
	writes := a.api.countWrites()
	for range 3 {
		a.settle()
		b.settle()
	}
	if n := a.api.countWrites() - writes; n != 0 {
		t.Errorf("%d writes while nothing changes", n)
	}
	for _, name := range names {
		if after := a.api.get(name); !reflect.DeepEqual(before[name], after) {
			t.Errorf("%s was\n%v, and is\n%v", name, before[name], after)
		}
	}
}
