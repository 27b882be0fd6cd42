package controlplane

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/proxy/passive"
)

func TestFailures(t *testing.T) {
	failing := func(resource, cause string) []passive.Failing {
		return []passive.Failing{{Use: passive.Use{Kind: "lb_traffic_extension", Resource: resource, Chain: "c", Extension: "e"}, Cause: cause, Text: "why"}}
	}
	said := func(location, cause string) fact.Failure {
		return fact.Failure{Location: location, Chain: "c", Extension: "e", Cause: cause, Text: "why"}
	}
	f := NewFailures()
	want := func(resource string, list ...fact.Failure) {
		t.Helper()
		changes := f.Changes()
		if len(changes) != 1 || changes[0].Fact != fact.FailuresOf("lb_traffic_extension", resource) {
			t.Fatalf("changes %v", changes)
		}
		if got, _ := changes[0].Value.(fact.Failures); !fact.Failures(list).Equal(got) || (changes[0].Value == nil) != (len(list) == 0) {
			t.Errorf("%v, want %v", changes[0].Value, list)
		}
	}
	none := func() {
		t.Helper()
		if c := f.Changes(); len(c) > 0 {
			t.Errorf("changes %v", c)
		}
	}
	none()
	f.Report("b", failing("x", "tls"))
	f.Report("a", failing("x", "connect"))
	want("x", said("a", "connect"), said("b", "tls"))
	f.Report("a", failing("x", "connect")) // with each transaction
	f.Report("c", nil)
	none()
	f.Close("a")
	want("x", said("b", "tls"))
	f.Report("b", nil)
	want("x")
	f.Close("b")
	none()
}
