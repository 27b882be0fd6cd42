package oci

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/spillway-lb/spillway/internal/wholefile"
)

// cache keeps blobs on disk by digest. What is read is checked: what has been damaged is as if it were not there.
type cache struct {
	dir string
	max int64 // of all together, in bytes
	mu  sync.Mutex
}

func (c *cache) path(d digest.Digest) string {
	return filepath.Join(c.dir, d.Algorithm().String()+"-"+d.Encoded())
}

// get is the blob of a digest, nil if there is none that is whole.
func (c *cache) get(d digest.Digest) []byte {
	name := c.path(d)
	b, err := place{name: name}.read(c.max)
	if err != nil {
		return nil
	}
	if d.Algorithm().FromBytes(b) != d {
		_ = os.Remove(name)
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(name, now, now) // for sweep, which removes what was not used for longest
	return b
}

// put keeps a blob that was checked. It appears as a whole or not at all.
func (c *cache) put(d digest.Digest, b []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := wholefile.Write(c.path(d), b); err != nil {
		return err
	}
	c.sweep(c.path(d))
	return nil
}

// sweep removes what was not used for longest until the rest is below the limit, and what was abandoned.
func (c *cache) sweep(keep string) {
	_ = wholefile.Clean(c.dir, time.Now()) // the next one tries again
	entries, _ := os.ReadDir(c.dir)
	var files []fs.FileInfo
	var total int64
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || wholefile.IsPart(e.Name()) {
			continue
		}
		files = append(files, info)
		total += info.Size()
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, info := range files {
		if name := filepath.Join(c.dir, info.Name()); total > c.max && name != keep && os.Remove(name) == nil {
			total -= info.Size()
		}
	}
}
