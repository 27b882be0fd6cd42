package recompute

// reads is the reverse index: which units read a key.
type reads struct {
	readers map[string]map[*memo]struct{}
}

func (r *reads) add(read string, m *memo) {
	if _, ok := m.reads[read]; ok {
		return
	}
	m.reads[read] = struct{}{}
	set := r.readers[read]
	if set == nil {
		set = map[*memo]struct{}{}
		r.readers[read] = set
	}
	set[m] = struct{}{}
}

// drop removes one read and tells whether nobody reads the key any more.
func (r *reads) drop(read string, m *memo) (last bool) {
	set := r.readers[read]
	delete(set, m)
	if len(set) == 0 {
		delete(r.readers, read)
		return true
	}
	return false
}
