package wasm

import "strings"

func (in *instance) continueStream(direction uint32) uint32 {
	s := in.acting().stream
	switch {
	case in.plugin.module.options.Profile != Full:
		return uint32(unimplemented)
	case direction > 1 || s == nil:
		return uint32(badArgument)
	}
	in.later(func() {
		s.resumed[direction] = true
		s.signal()
	})
	return uint32(ok)
}

func closeStream(in *instance, a arguments) uint32 {
	s := in.acting().stream
	switch {
	case in.plugin.module.options.Profile != Full:
		return uint32(unimplemented)
	case a.u32(0) > 3 || s == nil:
		return uint32(badArgument)
	}
	s.closing = true
	in.later(s.signal)
	return uint32(ok)
}

func sendLocalResponse(in *instance, a arguments) uint32 {
	details, good1 := in.text(a.u32(1), a.u32(2))
	body, good2 := in.text(a.u32(3), a.u32(4))
	pairs, good3 := in.view(a.u32(5), a.u32(6))
	s := in.acting().stream
	switch {
	case !good1 || !good2 || !good3:
		return uint32(invalidMemoryAccess)
	case s == nil || !s.mayReply():
		return uint32(badArgument)
	case !in.spend(len(body)+len(pairs), maxFullBody):
		return uint32(ok)
	}
	r := &LocalReply{Status: int(a.u32(0)), Details: details, Body: []byte(body), Headers: parsePairs(pairs), GRPCStatus: int(int32(a.u32(7)))}
	for i := range r.Headers {
		r.Headers[i].Name = strings.ToLower(r.Headers[i].Name)
		r.Headers[i].Value = strings.Trim(r.Headers[i].Value, " \t")
	}
	s.reply, s.replied = r, true
	in.later(s.signal)
	return uint32(ok)
}

// mayReply: Google documents local replies for three callbacks.
func (s *Stream) mayReply() bool {
	if s.full() {
		return !s.ended
	}
	in := s.in
	return in.current == s.ctx && (in.callback == onRequestHeaders || in.callback == onRequestBody || in.callback == onResponseHeaders)
}
