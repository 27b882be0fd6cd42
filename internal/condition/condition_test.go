package condition_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/spillway-lb/spillway/internal/condition"
)

func TestBad(t *testing.T) {
	for name, c := range map[string]struct {
		status string
		want   []string
	}{
		"nothing": {status: `{}`},
		"well": {status: `{"conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted"},
			{"type": "Conflicted", "status": "False", "reason": "NoConflicts"}]}`},
		"listeners": {
			status: `{"listeners": [{"name": "a", "conditions": [{"type": "Conflicted", "status": "True", "reason": "HostnameConflict"}]},
				{"name": "b", "conditions": [{"type": "ResolvedRefs", "status": "False", "reason": "InvalidCertificateRef", "message": "no Secret"}]}]}`,
			want: []string{"listener a: Conflicted=True HostnameConflict", "listener b: ResolvedRefs=False InvalidCertificateRef: no Secret"},
		},
		"parents": {
			status: `{"parents": [{"parentRef": {"name": "web", "namespace": "infra", "sectionName": "https", "port": 443},
				"conditions": [{"type": "Accepted", "status": "False", "reason": "NoMatchingParent"}]}]}`,
			want: []string{"parent infra/web https port 443: Accepted=False NoMatchingParent"},
		},
		"ancestors": {
			status: `{"ancestors": [{"ancestorRef": {"name": "web"}, "conditions": [{"type": "Accepted", "status": "Unknown", "reason": "Pending"}]}]}`,
			want:   []string{"ancestor web: Accepted=Unknown Pending"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var status map[string]any
			if err := json.Unmarshal([]byte(c.status), &status); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, bad := range condition.Bad(status) {
				got = append(got, bad.String())
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestDistinct(t *testing.T) {
	bad := []condition.Condition{
		{Where: "listener a", Type: "Ready", Status: "False", Reason: "NotReady", Message: "deprecated"},
		{Where: "listener a", Type: "ResolvedRefs", Status: "False", Reason: "InvalidCertificateRef", Message: "no Secret"},
		{Where: "listener a", Type: "Programmed", Status: "False", Reason: "Invalid", Message: "no Secret"},
		{Where: "listener b", Type: "ResolvedRefs", Status: "False", Reason: "InvalidCertificateRef", Message: "no Secret"},
		{Where: "listener c", Type: "Ready", Status: "False", Reason: "NotReady", Message: "deprecated"},
		{Type: "Accepted", Status: "Unknown", Reason: "Pending"},
		{Type: "Programmed", Status: "Unknown", Reason: "Pending"},
	}
	want := []condition.Condition{bad[1], bad[3], bad[4], bad[5], bad[6]}
	if got := condition.Distinct(bad); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
