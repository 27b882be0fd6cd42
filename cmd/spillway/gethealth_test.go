package main

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/control"
)

func TestEndpointsWithoutANodeNameNoInstance(t *testing.T) {
	e := control.Endpoint{Project: "p", Zone: "us-west1-a", Address: "127.0.0.1", Port: 9000, State: "HEALTHY"}
	if instance, ok := healthStatus(e, false)["instance"]; ok {
		t.Errorf("instance: %v", instance)
	}
	e.Instance = "n1"
	want := "https://www.googleapis.com/compute/v1/projects/p/zones/us-west1-a/instances/n1"
	if got := healthStatus(e, false)["instance"]; got != want {
		t.Errorf("instance: got %v, want %v", got, want)
	}
}
