package image

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/wholefile"
)

// pin is a digest in the file.
type pin struct {
	Plugin  string `json:"plugin"`
	Version string `json:"version"`
	Image   string `json:"image"`
	Config  bool   `json:"config,omitempty"`
	Full    bool   `json:"full,omitempty"`
	Digest  string `json:"digest"`
}

// loadPins reads the digests of an earlier process; none if there is no file.
func loadPins(name string) (map[fact.ImageRequest]string, error) {
	_ = wholefile.Clean(filepath.Dir(name), time.Now()) // the next process tries again
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []pin
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	out := map[fact.ImageRequest]string{}
	for _, p := range list {
		if ref, ok := store.ParseRef(p.Plugin); ok {
			out[fact.ImageRequest{Plugin: ref, Version: p.Version, Image: p.Image, Config: p.Config, Full: p.Full}] = p.Digest
		}
	}
	return out, nil
}

// savePins replaces the file.
func savePins(name string, pins map[fact.ImageRequest]string) error {
	list := make([]pin, 0, len(pins))
	for r, d := range pins {
		list = append(list, pin{Plugin: r.Plugin.String(), Version: r.Version, Image: r.Image, Config: r.Config, Full: r.Full, Digest: d})
	}
	slices.SortFunc(list, func(a, b pin) int {
		return cmp.Or(cmp.Compare(a.Plugin, b.Plugin), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Image, b.Image))
	})
	b, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return wholefile.Write(name, append(b, '\n'))
}
