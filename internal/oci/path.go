package oci

import (
	"path/filepath"
)

// path is where an image is that is on disk.
func (s *Store) path(i Image) (place, error) {
	name := i.below(s.base)
	if !s.confined {
		return place{name: name}, nil
	}
	base, err := filepath.Abs(s.base)
	if err != nil {
		return place{}, err
	}
	real, err := filepath.EvalSymlinks(base)
	if err != nil {
		return place{}, err
	}
	outside := failure(Invalid, "it is not below %s: files and layouts are read from there only; copy it there, or push it to a registry"+
		" (spillway wasm push)", s.base)
	if name, err = filepath.Abs(name); err != nil || !within(base, name) && !within(real, name) {
		return place{}, outside // before anything of it is looked at
	}
	if name, err = filepath.EvalSymlinks(name); err != nil {
		return place{}, err
	}
	if !within(real, name) {
		return place{}, outside
	}
	return place{real, name}, nil
}

func within(dir, name string) bool {
	rel, err := filepath.Rel(dir, name)
	return err == nil && filepath.IsLocal(rel)
}
