package geo

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	maxminddb "github.com/oschwald/maxminddb-golang/v2"
)

// Databases are those in use. Find, Use and Refresh are for any goroutine.
type Databases struct {
	Logger *slog.Logger
	// Changed, if not nil, is called when Problems has become different. It must not wait for anything.
	Changed func()

	using  sync.Mutex
	byFile atomic.Pointer[map[string]*database]
}

// database is one version of a file; reader is nil for a file that could not be read.
type database struct {
	reader *maxminddb.Reader
	size   int64
	at     time.Time
	failed string // what was logged
}

// Use reads the files that are new or have changed, and forgets the others. A file that cannot be read any more leaves what it
// held in force; the reason is logged once.
func (d *Databases) Use(files []string) {
	d.using.Lock()
	defer d.using.Unlock()
	d.use(files)
}

// use is Use; using is held.
func (d *Databases) use(files []string) {
	var old map[string]*database
	if m := d.byFile.Load(); m != nil {
		old = *m
	}
	next := make(map[string]*database, len(files))
	for _, file := range files {
		if file != "" && next[file] == nil {
			next[file] = d.read(file, old[file])
		}
	}
	was := d.Problems()
	d.byFile.Store(&next)
	if d.Changed != nil && !maps.Equal(was, d.Problems()) {
		d.Changed()
	}
}

// Refresh is Use of the files that are in use.
func (d *Databases) Refresh() {
	d.using.Lock()
	defer d.using.Unlock()
	m := d.byFile.Load()
	if m == nil {
		return
	}
	files := make([]string, 0, len(*m))
	for file := range *m {
		files = append(files, file)
	}
	d.use(files)
}

// Problems says of each file in use that cannot be read why, and what is used in its place.
func (d *Databases) Problems() map[string]string {
	out := map[string]string{}
	m := d.byFile.Load()
	if m == nil {
		return out
	}
	for file, db := range *m {
		switch {
		case db.failed == "":
		case db.reader != nil:
			out[file] = db.failed + " (what it held before is used)"
		default:
			out[file] = db.failed + " (no place is known)"
		}
	}
	return out
}

// maxSize bounds what is read of a file, in bytes; the largest that are sold have a third of it.
const maxSize = 1 << 30

func (d *Databases) read(file string, old *database) *database {
	info, err := os.Stat(file)
	if err == nil && old != nil && old.size == info.Size() && old.at.Equal(info.ModTime()) {
		return old // the same, or as broken as it was
	}
	next := &database{}
	if err == nil {
		next.size, next.at = info.Size(), info.ModTime()
		next.reader, err = open(file, info)
	}
	if err == nil {
		return next
	}
	next.failed = err.Error()
	if old != nil {
		next.reader = old.reader
	}
	if d.Logger != nil && (old == nil || old.failed != next.failed) {
		d.Logger.Error("geo database cannot be read", "file", file, "err", err, "former_in_use", next.reader != nil)
	}
	return next
}

func open(file string, info os.FileInfo) (*maxminddb.Reader, error) {
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file") // reading may never end
	case info.Size() > maxSize:
		return nil, fmt.Errorf("it is larger than %d bytes", maxSize)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return maxminddb.OpenBytes(content)
}

// Find tells where an address is by a file that is in use.
func (d *Databases) Find(file string, at netip.Addr) Place {
	m := d.byFile.Load()
	if m == nil {
		return Place{}
	}
	db := (*m)[file]
	if db == nil || db.reader == nil || !at.IsValid() {
		return Place{}
	}
	var r record
	if err := db.reader.Lookup(at.WithZone("").Unmap()).Decode(&r); err != nil {
		return Place{} // the database has another kind of records, or is broken there
	}
	return r.place()
}
