package plugin

import (
	"reflect"
	"testing"
)

func TestFieldsComeBack(t *testing.T) {
	for _, fields := range [][]Field{nil, {{"a", "b"}}, {{":path", "/"}, {"empty", ""}, {"", "x"}}} {
		if got := decode(encode(fields)); !reflect.DeepEqual(got, fields) && len(got)+len(fields) > 0 {
			t.Errorf("%q became %q", fields, got)
		}
	}
}
