package client

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	fleetv1 "github.com/spillway-lb/spillway/api/fleet/v1"
	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/wholefile"
)

// load reads what save wrote. A file that is not there is an empty table; one that cannot be used is an error and an empty table.
func load(path string) (*table, error) {
	t := newTable()
	if path == "" {
		return t, nil
	}
	_ = wholefile.Clean(filepath.Dir(path), time.Now()) // the next process tries again
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	var state fleetv1.State
	if err := proto.Unmarshal(b, &state); err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	for _, k := range state.GetResources() {
		if k.GetResource().GetBody() == nil {
			continue // of a kind that only the process before knew: a controller sends it anew
		}
		t.good[wire.NameOf(lbv1.KeyOf(k.GetResource()))] = kept{k.GetResource(), k.GetVersion()}
	}
	return t, nil
}

// save replaces the file: whoever reads it sees the old one or the new one. It is readable by its owner only, as there are private keys
// in it.
func (t *table) save(path string) error {
	state := &fleetv1.State{}
	for _, name := range slices.Sorted(maps.Keys(t.good)) {
		state.Resources = append(state.Resources, &fleetv1.Kept{Resource: t.good[name].resource, Version: t.good[name].version})
	}
	b, err := proto.Marshal(state)
	if err != nil {
		return err
	}
	return wholefile.Write(path, b)
}
