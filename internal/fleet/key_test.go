package fleet

import "testing"

func TestImportKeysAreReadBack(t *testing.T) {
	for _, name := range []string{"a", "a/b", "a|b", `a\`} {
		if namespace, got, ok := parseImportKey(ImportKey("n", name)); !ok || namespace != "n" || got != name {
			t.Errorf("%q became %q, %t", name, got, ok)
		}
	}
	if ImportKey("a", "b/c") == ImportKey("a/b", "c") {
		t.Error("two imports have one key")
	}
}
