package main

import "testing"

func TestConfigurationsThatAreNone(t *testing.T) {
	if _, err := start([]byte("deny /admin\n\ndeny /private")); err != nil {
		t.Error(err)
	}
	if _, err := start([]byte("allow /")); err == nil {
		t.Error("taken")
	}
}
