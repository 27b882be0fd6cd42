package config

import (
	"slices"

	"github.com/spillway-lb/spillway/internal/proxy/balance"
)

// chunkSize is the number of backend services that are copied when one of them changes.
const chunkSize = 64

// slots is a persistent array of backend services by number. The zero value is empty.
type slots struct {
	chunks []*[chunkSize]*balance.Service
	free   []balance.Ref
	used   balance.Ref // numbers given out so far
}

func (s *slots) at(ref balance.Ref) *balance.Service {
	if int(ref/chunkSize) >= len(s.chunks) {
		return nil
	}
	return s.chunks[ref/chunkSize][ref%chunkSize]
}

// slotsEdit changes a copy; chunks are copied when they are first written.
type slotsEdit struct {
	next   slots
	copied map[int]bool
}

func (s *slots) edit() *slotsEdit {
	next := slots{chunks: slices.Clone(s.chunks), free: slices.Clone(s.free), used: s.used}
	return &slotsEdit{next: next, copied: map[int]bool{}}
}

// take gives out a number.
func (e *slotsEdit) take() balance.Ref {
	if n := len(e.next.free); n > 0 {
		ref := e.next.free[n-1]
		e.next.free = e.next.free[:n-1]
		return ref
	}
	e.next.used++
	return e.next.used - 1
}

// set puts a service at its number; nil gives the number back.
func (e *slotsEdit) set(ref balance.Ref, s *balance.Service) {
	i := int(ref / chunkSize)
	for len(e.next.chunks) <= i {
		e.copied[len(e.next.chunks)] = true
		e.next.chunks = append(e.next.chunks, new([chunkSize]*balance.Service))
	}
	if !e.copied[i] {
		c := *e.next.chunks[i]
		e.next.chunks[i], e.copied[i] = &c, true
	}
	e.next.chunks[i][ref%chunkSize] = s
	if s == nil {
		e.next.free = append(e.next.free, ref)
	}
}
