package http2

import "slices"

// recent remembers the last few streams that a peer has ended, so that what it still sends on them is told from what was
// on its way when we reset a stream (RFC 9113 section 5.1).
type recent struct {
	ids [16]uint32
	at  uint8
}

func (r *recent) add(id uint32) {
	r.ids[r.at%uint8(len(r.ids))] = id
	r.at++
}

func (r *recent) has(id uint32) bool { return slices.Contains(r.ids[:], id) }

// endedByPeer tells whether the peer has ended or reset the stream. mu is held.
func (st *stream) endedByPeer() bool {
	if st.recvEnd {
		return true
	}
	e, ok := st.recvErr.(*StreamError)
	return ok && e.Remote
}
