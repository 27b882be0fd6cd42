package hpack

import "github.com/spillway-lb/spillway/internal/proxy/header"

// DefaultTableSize is the dynamic table size both sides start with, RFC 7541 section 4.2.
const DefaultTableSize = 4096

// entryOverhead is what RFC 7541 section 4.1 adds to the length of name and value.
const entryOverhead = 32

// entry is one field of the dynamic table; its bytes are table.buf[off : off+nameLen+valueLen].
type entry struct {
	off      uint32
	nameLen  uint32
	valueLen uint32
	hash     uint32 // of name and value; set by encoders only
	id       header.ID
}

// table is a dynamic table: a ring of entries over one byte buffer, which is compacted when it runs full. Entries are
// numbered from 1 in the order of insertion and keep their number, so that an encoder's index may hold stale numbers.
type table struct {
	ring     []entry // its length is a power of two
	buf      []byte
	inserted uint32 // number of the newest entry
	count    uint32
	size     uint32 // by RFC 7541's measure
	max      uint32
}

// live tells whether entry number n is still in the table.
func (t *table) live(n uint32) bool {
	return n != 0 && t.inserted-n < t.count
}

func (t *table) at(n uint32) *entry { return &t.ring[n&uint32(len(t.ring)-1)] }

func (t *table) name(e *entry) []byte { return t.buf[e.off : e.off+e.nameLen : e.off+e.nameLen] }

func (t *table) value(e *entry) []byte {
	start := e.off + e.nameLen
	return t.buf[start : start+e.valueLen : start+e.valueLen]
}

func (t *table) setMax(limit uint32) {
	t.max = limit
	t.evict(limit)
}

func (t *table) evict(limit uint32) {
	for t.size > limit {
		e := t.at(t.inserted - t.count + 1)
		t.size -= e.nameLen + e.valueLen + entryOverhead
		t.count--
	}
}

// add inserts a field. name and value must not point into the table. It reports whether the field fitted; one that is
// larger than the table empties it, RFC 7541 section 4.4.
func (t *table) add(id header.ID, hash uint32, name, value []byte) bool {
	need := uint32(len(name) + len(value))
	if need+entryOverhead > t.max {
		t.evict(0)
		return false
	}
	t.evict(t.max - need - entryOverhead)
	if int(t.count) == len(t.ring) {
		t.growRing()
	}
	if len(t.buf)+int(need) > cap(t.buf) {
		t.compact(int(need))
	}
	t.inserted++
	t.count++
	t.size += need + entryOverhead
	*t.at(t.inserted) = entry{
		off: uint32(len(t.buf)), nameLen: uint32(len(name)), valueLen: uint32(len(value)), hash: hash, id: id,
	}
	t.buf = append(append(t.buf, name...), value...)
	return true
}

func (t *table) growRing() {
	old := *t
	t.ring = make([]entry, max(8, 2*len(t.ring)))
	for n := old.inserted - old.count + 1; n != old.inserted+1; n++ {
		*t.at(n) = *old.at(n)
	}
}

// compact makes room for need bytes: it moves the live bytes to the front, of a larger buffer while that is smaller
// than twice the table (so that a move happens once per table-full of insertions at most).
func (t *table) compact(need int) {
	oldest := uint32(len(t.buf))
	if t.count > 0 {
		oldest = t.at(t.inserted - t.count + 1).off
	}
	live := t.buf[oldest:]
	if want := 2 * (len(live) + need); cap(t.buf) < want {
		t.buf = append(make([]byte, 0, max(want, 512)), live...)
	} else {
		t.buf = t.buf[:copy(t.buf[:cap(t.buf)], live)]
	}
	for n := t.inserted - t.count + 1; n != t.inserted+1; n++ {
		t.at(n).off -= oldest
	}
}
