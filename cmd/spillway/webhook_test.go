package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestAFileThatCannotBeReadIsAsItWas: API servers that are told of no authority any more would let everything through.
func TestAFileThatCannotBeReadIsAsItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.crt")
	read := lastRead(path)
	if b := read(); b != nil {
		t.Errorf("there is %q", b)
	}
	if err := os.WriteFile(path, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if b := read(); string(b) != "one" {
		t.Errorf("read %q", b)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if b := read(); string(b) != "one" {
		t.Errorf("without the file %q", b)
	}
}
