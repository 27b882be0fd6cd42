// Package wholefile writes files that are there as a whole or not at all, also after a kill or a power cut.
//
// In: a path and its content. Out: a file that only its owner may read; whoever reads the path sees what was there before or what is there
// now. What processes that were killed meanwhile leave beside it is Clean's to remove.
//
//	err := wholefile.Clean(filepath.Dir(path), time.Now())
//	err := wholefile.Write(path, content)
package wholefile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// prefix begins the names of files that are being written.
	prefix = ".part-"
	// orphanAge is how old one is that nobody writes any more: that takes seconds at most.
	orphanAge = 10 * time.Minute
)

// Write replaces the file, and makes its directory if there is none.
func Write(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, prefix+"*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = cmp.Or(err, f.Sync())
	if err = cmp.Or(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // Clean does it if this fails
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename last through a power cut. A file system that cannot do so is none to fail for.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}

// IsPart says of a file's name that it is being written, or was left behind.
func IsPart(name string) bool { return strings.HasPrefix(filepath.Base(name), prefix) }

// Clean removes what killed processes left in a directory.
func Clean(dir string, now time.Time) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !IsPart(e.Name()) || !e.Type().IsRegular() {
			continue
		}
		if info, infoErr := e.Info(); infoErr == nil && now.Sub(info.ModTime()) > orphanAge {
			err = cmp.Or(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
