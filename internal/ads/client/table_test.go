package client

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// TestVersionsAreOfWhatTheDataPlaneWasGiven: it tries what it refused again, until it is given something else.
func TestVersionsAreOfWhatTheDataPlaneWasGiven(t *testing.T) {
	r := &lbv1.Resource{Name: "a"}
	table := newTable()
	table.offer(&response{resources: map[string]kept{"url_map/a": {r, "1"}, "url_map/b": {r, "1"}, "url_map/c": {r, "1"}}})
	table.settle(location.Report{})
	table.offer(&response{
		resources: map[string]kept{"url_map/a": {r, "2"}, "url_map/b": {}, "url_map/d": {r, "2"}},
		unread:    map[string]config.Refusal{"url_map/c": {}, "new/e": {}},
	})
	table.settle(location.Report{Refused: []config.Refusal{{Kind: "url_map", Name: "a"}, {Kind: "url_map", Name: "b"}, {Kind: "url_map", Name: "d"}}})
	want := map[string]string{"url_map/a": "2", "url_map/b": "", "url_map/c": "", "url_map/d": "2", "new/e": ""}
	if got := table.versions(); !maps.Equal(got, want) {
		t.Errorf("versions %v, want %v", got, want)
	}
}

// TestAStateOfANewerProcess has kinds that this one does not know.
func TestAStateOfANewerProcess(t *testing.T) {
	known := &lbv1.Resource{Name: "a", Body: &lbv1.Resource_UrlMap{UrlMap: &lbv1.UrlMap{}}}
	b, err := proto.Marshal(&fleetv1.State{Resources: []*fleetv1.Kept{{Resource: &lbv1.Resource{Name: "n"}, Version: "1"}, {}, {Resource: known, Version: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "state")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := load(path)
	if want := map[string]string{"url_map/a": "1"}; err != nil || !maps.Equal(table.versions(), want) {
		t.Errorf("versions %v, want %v; %v", table.versions(), want, err)
	}
}

// TestPauses: who loses its place to another one of its name leaves it there for a while.
func TestPauses(t *testing.T) {
	taken := errors.Join(status.Error(codes.Aborted, "another proxy of this name has connected"), nil)
	gone := status.Error(codes.Unavailable, "gone")
	for _, c := range []struct {
		answered bool
		err      error
		want     time.Duration
	}{{true, taken, maxPause}, {true, gone, firstPause}, {false, gone, time.Second}} {
		if got := pauseFor(time.Second, c.answered, c.err); got != c.want {
			t.Errorf("%t %v: %v, want %v", c.answered, c.err, got, c.want)
		}
	}
}
