package oci

import (
	"archive/tar"
	"errors"
	"io"
	"io/fs"
	"path"
)

// archive is the files of a tar. It is opened anew for each, where it is allowed to be; what it holds is checked by whoever reads it.
type archive struct {
	at    place
	files map[string]*archived
}

// archived is a regular file in a tar.
type archived struct {
	header *tar.Header
	offset int64
}

// openArchive lists a tar; of files of one name the last counts.
func openArchive(at place) (*archive, error) {
	f, err := at.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := &archive{at: at, files: map[string]*archived{}}
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return nil, err
		}
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeReg {
			a.files[path.Clean(h.Name)] = &archived{h, offset}
		}
	}
}

// Open implements fs.FS.
func (a *archive) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	found := a.files[name]
	if found == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := a.at.open()
	if err != nil {
		return nil, err
	}
	return &openArchived{io.NewSectionReader(f, found.offset, found.header.Size), f, found.header}, nil
}

type openArchived struct {
	io.Reader
	io.Closer
	header *tar.Header
}

// Stat implements fs.File.
func (o *openArchived) Stat() (fs.FileInfo, error) { return o.header.FileInfo(), nil }
