package config

import (
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// TestEveryKindHasARow: and every row a kind of the model.
func TestEveryKindHasARow(t *testing.T) {
	fields := (&lbv1.Resource{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range fields.Len() {
		row, ok := kinds[string(fields.Get(i).Name())]
		if !ok || row.references == nil || row.compile == nil {
			t.Errorf("%s has no whole row", fields.Get(i).Name())
		}
	}
	if fields.Len() != len(kinds) {
		t.Errorf("%d rows for %d kinds", len(kinds), fields.Len())
	}
}
