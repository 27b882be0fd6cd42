package status_test

import (
	"testing"

	"github.com/spillway-lb/spillway/internal/status"
)

func TestOnlyAnInstallsOwnMarkIsItsOrigin(t *testing.T) {
	for mark, want := range map[string]string{"": "", "a": status.Origin, "b": ""} {
		o := newGateway()
		if mark != "" {
			o.Annotations = map[string]string{status.InstallAnnotation: mark}
		}
		if got := status.OriginOf(o, "a"); got != want {
			t.Errorf("mark %q: origin %q", mark, got)
		}
	}
}
