package neg

import "testing"

func TestKeysAreReadBack(t *testing.T) {
	for _, name := range []string{"a", "a/b", "a|b", `a\`} {
		of := portOf{"c", "n", name, 80}
		if got, ok := parseKey(of.key()); !ok || got != of {
			t.Errorf("%q became %v, %t", name, got, ok)
		}
	}
	for _, key := range []string{"", "c|n|s", "c|n|s|x", "c|n|s|80|1", "c/n/s/80"} {
		if _, ok := parseKey(key); ok {
			t.Errorf("%q is a port", key)
		}
	}
}
