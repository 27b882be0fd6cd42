package oci

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// place is where an image is that is on disk.
type place struct {
	// within is the directory that nothing of it may lead out of, without links itself; "" for none.
	within string
	name   string
}

// open opens a regular file, without waiting for whoever might write to what is none.
func (p place) open() (*os.File, error) {
	f, err := p.openAny(os.O_RDONLY | syscall.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = failure(Invalid, "%s is no regular file", p.name)
	}
	if err != nil {
		_ = f.Close() // nothing was written
		return nil, err
	}
	return f, nil
}

func (p place) openAny(flags int) (*os.File, error) {
	if p.within == "" {
		return os.OpenFile(p.name, flags, 0)
	}
	root, rel, err := p.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.OpenFile(rel, flags, 0)
	return f, p.escape(err)
}

// stat says what is there, and opens nothing.
func (p place) stat() (fs.FileInfo, error) {
	if p.within == "" {
		return os.Stat(p.name)
	}
	root, rel, err := p.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	info, err := root.Stat(rel)
	return info, p.escape(err)
}

func (p place) root() (root *os.Root, rel string, err error) {
	if rel, err = filepath.Rel(p.within, p.name); err != nil {
		return nil, "", err
	}
	root, err = os.OpenRoot(p.within)
	return root, rel, err
}

// escape words an error of os.Root.
func (p place) escape(err error) error {
	if err != nil && strings.Contains(err.Error(), "escapes") { // os has no value for it
		return failure(Invalid, "%s leads out of %s", p.name, p.within)
	}
	return err
}

// read reads a file no longer than a limit.
func (p place) read(limit int64) ([]byte, error) {
	f, err := p.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, limit)
}

// at is a file below a directory.
func (p place) at(name string) place { return place{p.within, filepath.Join(p.name, name)} }

// tree is the files below a directory.
type tree struct{ place }

// Open implements fs.FS.
func (f tree) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	return f.at(filepath.FromSlash(name)).open()
}
