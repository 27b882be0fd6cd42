package wasm

import (
	"bytes"
	"strings"
)

// headerMap finds the map that the guest means: nil if it is not in hand. Another's phase is not, nor is a call's map outside
// of its callback.
func (in *instance) headerMap(m mapType) Headers {
	if m >= mapGRPCInitial {
		return in.callMap(m)
	}
	if s := in.acting().stream; s != nil {
		return s.maps[m]
	}
	return nil
}

// spend takes what a guest sets from what it may set in one callback. false: that is used up, and the stream fails when the
// callback is over.
func (in *instance) spend(n, full int) bool {
	limit := maxMutation
	if !in.joins() {
		limit = full
	}
	if in.spent += n; in.spent <= limit {
		return true
	}
	in.acting().stream.tooLarge = true
	return false
}

// trimmed is a value without the white space at its ends, which is no part of a field's value.
func trimmed(value []byte) []byte { return bytes.Trim(value, " \t") }

func (in *instance) joins() bool { return in.plugin.module.options.Profile == GCP }

func getMapSize(in *instance, a arguments) uint32 {
	h := in.headerMap(mapType(a.u32(0)))
	if h == nil {
		return uint32(badArgument)
	}
	if in.joins() {
		return in.write32(a.u32(1), uint32(count(h, true)))
	}
	return in.write32(a.u32(1), uint32(size(h)))
}

func getMapPairs(in *instance, a arguments) uint32 {
	m := mapType(a.u32(0))
	h := in.headerMap(m)
	if h == nil {
		if m >= mapTypes || in.joins() {
			return uint32(badArgument)
		}
		return uint32(in.giveWords(0, 0, a.u32(1), a.u32(2)))
	}
	pairs := list(h, in.joins())
	n := pairs.size()
	if n == 0 {
		return uint32(in.giveWords(0, 0, a.u32(1), a.u32(2)))
	}
	at, room, s := in.allocate(n)
	if s != ok {
		return uint32(s)
	}
	pairs.append(room[:0])
	return uint32(in.giveWords(at, uint32(n), a.u32(1), a.u32(2)))
}

func getMapValue(in *instance, a arguments) uint32 {
	name, good := in.view(a.u32(1), a.u32(2))
	h := in.headerMap(mapType(a.u32(0)))
	switch {
	case !good:
		return uint32(invalidMemoryAccess)
	case h == nil:
		return uint32(badArgument)
	}
	find := first
	if in.joins() {
		find = joined
	}
	value, found := find(h, name)
	if !found && in.plugin.module.version != ABI010 {
		return uint32(notFound)
	}
	return uint32(in.give(value, a.u32(3), a.u32(4)))
}

// change reads name and value, and makes a change. Refusals are told in the log only: guests take every status but Ok for
// a fault of their own.
func (in *instance) change(m mapType, a arguments, withValue bool, f func(h Headers, name string, value []byte) error) uint32 {
	name, good := in.text(a.u32(1), a.u32(2))
	var value []byte
	if good && withValue {
		value, good = in.view(a.u32(3), a.u32(4))
	}
	h := in.headerMap(m)
	switch {
	case !good:
		return uint32(invalidMemoryAccess)
	case h == nil, m >= mapGRPCInitial:
		return uint32(badArgument)
	case !in.spend(len(name)+len(value)+fieldOverhead, maxFullHeaders):
		return uint32(ok)
	}
	name = strings.ToLower(name)
	if err := f(h, name, trimmed(value)); err != nil {
		in.log(Debug, "header field "+name+" was left as it is: "+err.Error())
	}
	return uint32(ok)
}

func addMapValue(in *instance, a arguments) uint32 {
	return in.change(mapType(a.u32(0)), a, true, in.add)
}

// add appends a field; in the GCP profile a field that is there gets one more value.
func (in *instance) add(h Headers, name string, value []byte) error {
	if !in.joins() || name == setCookie {
		return h.Add(name, value)
	}
	there, found := joined(h, []byte(name))
	switch {
	case !found:
		return h.Add(name, value)
	case len(there) == 0:
		return h.Set(name, value)
	}
	return h.Set(name, append(append(there[:len(there):len(there)], separator(name)...), value...))
}

func replaceMapValue(in *instance, a arguments) uint32 {
	return in.change(mapType(a.u32(0)), a, true, func(h Headers, name string, value []byte) error { return h.Set(name, value) })
}

func removeMapValue(in *instance, a arguments) uint32 {
	return in.change(mapType(a.u32(0)), a, false, func(h Headers, name string, _ []byte) error { return h.Del(name) })
}

func setMapPairs(in *instance, a arguments) uint32 {
	m := mapType(a.u32(0))
	b, good := in.view(a.u32(1), a.u32(2))
	h := in.headerMap(m)
	switch {
	case !good:
		return uint32(invalidMemoryAccess)
	case h == nil, m >= mapGRPCInitial:
		return uint32(badArgument)
	case !in.spend(len(b), maxFullHeaders):
		return uint32(ok)
	}
	err := replaceAll(h, parsePairs(b), func(name string, value []byte) error { return in.add(h, name, value) })
	if err != nil {
		in.log(Debug, "some header fields were left as they are: "+err.Error())
	}
	return uint32(ok)
}
