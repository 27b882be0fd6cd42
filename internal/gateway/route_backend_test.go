package gateway

import (
	"testing"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestUnresolvedNamesEachReference(t *testing.T) {
	missing := resolved{reason: gatewayv1.RouteReasonBackendNotFound, message: "a is missing"}
	kind := resolved{reason: gatewayv1.RouteReasonInvalidKind, message: "b is a Pod"}
	grant := resolved{reason: gatewayv1.RouteReasonRefNotPermitted, message: "c is elsewhere"}
	for _, c := range []struct {
		problems        []resolved
		reason, message string
	}{
		{[]resolved{missing}, "BackendNotFound", "a is missing"},
		{[]resolved{missing, grant, missing}, "RefNotPermitted", "a is missing; c is elsewhere"},
		{[]resolved{missing, grant, kind}, "InvalidKind", "a is missing; c is elsewhere; b is a Pod"},
	} {
		if reason, message := unresolved(c.problems); reason != c.reason || message != c.message {
			t.Errorf("got %s, %q; want %s, %q", reason, message, c.reason, c.message)
		}
	}
}

func TestJoinedKeepsThatClientsAreConcerned(t *testing.T) {
	if joined(nil) != nil {
		t.Error("a problem is made of none")
	}
	first := &refProblem{reason: "InvalidCertificateRef", message: "a"}
	got := joined([]*refProblem{first, {reason: "InvalidCACertificateRef", message: "b", client: true}})
	if want := (refProblem{reason: "InvalidCertificateRef", message: "a; b", client: true}); *got != want || first.message != "a" {
		t.Errorf("got %+v of %+v, want %+v", *got, *first, want)
	}
}
