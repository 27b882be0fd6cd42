package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/yaml"
)

// TestFlagsOfManifestsExist: what deploy/manifests runs is a command of this program, with flags that it takes.
func TestFlagsOfManifestsExist(t *testing.T) {
	files, err := filepath.Glob("../../deploy/manifests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range bytes.SplitSeq(text, []byte("\n---\n")) {
			var d appsv1.Deployment
			if err := yaml.Unmarshal(document, &d); err != nil || d.Kind != "Deployment" {
				continue // test/manifests reads them all
			}
			for _, c := range d.Spec.Template.Spec.Containers {
				found[c.Args[0]] = true
				checkArguments(t, d.Name, c.Args)
			}
		}
	}
	if !found["controller"] || !found["proxy"] {
		t.Errorf("no manifest runs controllers and proxies: %v", found)
	}
}

func checkArguments(t *testing.T, of string, args []string) {
	t.Helper()
	cmd, rest, err := newRootCommand().Find(args)
	if err != nil || cmd.Name() != args[0] {
		t.Errorf("%s: %v: %v", of, args, err)
		return
	}
	err = cmd.ParseFlags(rest)
	if err == nil {
		err = cmd.ValidateRequiredFlags()
	}
	if err == nil {
		err = cmd.ValidateFlagGroups()
	}
	if err == nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("%s: %v", of, err)
	}
}
