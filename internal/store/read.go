package store

import "strings"

// Read keys: the units of invalidation. A reader that wants to be told of a change of what it read, or found missing,
// keeps these. Their form is private to this package.
const (
	objectPrefix  = "o\x00"
	writtenPrefix = "w\x00"
	statusPrefix  = "s\x00"
	indexPrefix   = "i\x00"
	namesPrefix   = "l\x00"
	factPrefix    = "a\x00"
	factsPrefix   = "b\x00"
)

// ReadObject is the read of an object's content: not of its status, nor of what controllers wrote about it.
func ReadObject(r Ref) string { return objectPrefix + r.String() }

// ObjectOf is the inverse of ReadObject; ok is false for other reads.
func ObjectOf(read string) (ref Ref, ok bool) {
	if name, found := strings.CutPrefix(read, objectPrefix); found {
		return ParseRef(name)
	}
	return Ref{}, false
}

// ReadStatus is the read of the status that an object came with: what others than Spillway's controllers say of it. A Pod's
// and what a Node's says but for heartbeats are content as well. That an object comes or goes is a change of content.
func ReadStatus(r Ref) string { return statusPrefix + r.String() }

// StatusOf is the inverse of ReadStatus; ok is false for other reads.
func StatusOf(read string) (ref Ref, ok bool) {
	if name, found := strings.CutPrefix(read, statusPrefix); found {
		return ParseRef(name)
	}
	return Ref{}, false
}

// ReadWritten is the read of what controllers wrote about an object.
func ReadWritten(r Ref) string { return writtenPrefix + r.String() }

// WrittenOf is the inverse of ReadWritten; ok is false for other reads.
func WrittenOf(read string) (ref Ref, ok bool) {
	if name, found := strings.CutPrefix(read, writtenPrefix); found {
		return ParseRef(name)
	}
	return Ref{}, false
}

// ReadIndex is the read of the members of an index key.
func ReadIndex(index, key string) string { return indexPrefix + index + "\x00" + key }

// ReadList is the read of the names of a kind in one cluster and namespace; either may be "" for all.
func ReadList(kind, cluster, namespace string) string {
	return namesPrefix + kind + "\x00" + cluster + "\x00" + namespace
}

// ListOf is the inverse of ReadList; ok is false for other reads.
func ListOf(read string) (kind, cluster, namespace string, ok bool) {
	name, ok := strings.CutPrefix(read, namesPrefix)
	kind, rest, _ := strings.Cut(name, "\x00")
	cluster, namespace, _ = strings.Cut(rest, "\x00")
	return kind, cluster, namespace, ok
}

// ReadFact is the read of one fact's value.
func ReadFact(f Fact) string { return factPrefix + f.Kind + "\x00" + f.Key }

// FactOf is the inverse of ReadFact; ok is false for other reads.
func FactOf(read string) (f Fact, ok bool) {
	name, found := strings.CutPrefix(read, factPrefix)
	if !found {
		return Fact{}, false
	}
	kind, key, _ := strings.Cut(name, "\x00")
	return Fact{kind, key}, true
}

// ReadFacts is the read of the keys of a kind's facts.
func ReadFacts(kind string) string { return factsPrefix + kind }
