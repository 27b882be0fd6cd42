package registry

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spillway-lb/spillway/internal/wholefile"
)

// storage keeps small and large values by key. A key has two parts or three, the last without a slash.
type storage interface {
	read(key ...string) ([]byte, bool)
	write(b []byte, key ...string) error
	// list are the last parts of the keys that begin so.
	list(key ...string) []string
	// size is that of all values, in bytes.
	size() int64
}

// memory is a storage that ends with the process.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	total  int64
}

func (m *memory) read(key ...string) ([]byte, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.values[join(key)]
	return b, ok
}

func (m *memory) write(b []byte, key ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += int64(len(b)) - int64(len(m.values[join(key)]))
	m.values[join(key)] = b
	return nil
}

func (m *memory) list(key ...string) (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range m.values {
		if name, found := strings.CutPrefix(k, join(key)+"/"); found {
			names = append(names, unescape(name))
		}
	}
	slices.Sort(names)
	return names
}

func (m *memory) size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.total
}

// disk is a storage of files.
type disk struct {
	dir   string
	mu    sync.Mutex
	total int64
}

func newDisk(dir string) (*disk, error) {
	d := &disk{dir: dir}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return d, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir():
			return wholefile.Clean(name, time.Now())
		case wholefile.IsPart(name):
			return nil
		}
		info, err := e.Info()
		if err == nil {
			d.total += info.Size()
		}
		return err
	})
}

func (d *disk) path(key []string) string { return filepath.Join(d.dir, filepath.FromSlash(join(key))) }

func (d *disk) read(key ...string) ([]byte, bool) {
	b, err := os.ReadFile(d.path(key))
	return b, err == nil
}

func (d *disk) write(b []byte, key ...string) error {
	if err := wholefile.Write(d.path(key), b); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.total += int64(len(b))
	return nil
}

func (d *disk) list(key ...string) (names []string) {
	entries, _ := os.ReadDir(d.path(key))
	for _, e := range entries {
		if !wholefile.IsPart(e.Name()) {
			names = append(names, unescape(e.Name()))
		}
	}
	return names
}

func (d *disk) size() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.total
}

// join makes a path of a key. A part is one element of it, whatever it holds.
func join(key []string) string {
	escaped := make([]string, len(key))
	for i, k := range key {
		escaped[i] = url.PathEscape(k)
	}
	return strings.Join(escaped, "/")
}

func unescape(s string) string {
	if plain, err := url.PathUnescape(s); err == nil {
		return plain
	}
	return s
}
