package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/spillway-lb/spillway/internal/wasm/sample"
)

// samplePlugin is `plugin FILE`: it writes the tutorial's plugin.
func samplePlugin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: plugin FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), sample.LocalReply(), 0o600))
}
