package callout

import (
	"testing"
	"time"

	modev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// repertoire is what a callout of the fuzz target may say.
var repertoire = []*extprocv3.ProcessingResponse{
	nothing, moreTime, requestHead, responseHead, requestChunk, responseChunk, requestTail, responseTail, requestReplaced,
	pieceAnswer(request, "own", false), pieceAnswer(request, "own", true), pieceAnswer(response, "own", false), pieceAnswer(response, "", true),
	immediate, unsupported,
	headAnswer(request, &extprocv3.CommonResponse{HeaderMutation: options("x-here", "evil\r\n")}),
	chunkAnswer(request, &extprocv3.CommonResponse{BodyMutation: &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_ClearBody{ClearBody: true}}}),
	withOverride(requestHead, &modev3.ProcessingMode{RequestBodyMode: modev3.ProcessingMode_STREAMED, ResponseBodyMode: modev3.ProcessingMode_STREAMED}),
	withOverride(responseHead, &modev3.ProcessingMode{ResponseTrailerMode: modev3.ProcessingMode_SEND}),
}

// script is a callout that says what bytes tell: for each event a count of messages and these, 0xff ends the stream.
type script struct {
	bytes []byte
	told  map[side]map[part]int // what was sent
	said  map[side]map[part]int // what could be an answer to it
	free  map[side]bool         // the callout said that it wants no more of a side
}

func (s *script) next() (byte, bool) {
	if len(s.bytes) == 0 {
		return 0, false
	}
	b := s.bytes[0]
	s.bytes = s.bytes[1:]
	return b, true
}

func (s *script) answer(q *extprocv3.ProcessingRequest) (out []*extprocv3.ProcessingResponse) {
	at, p := partOf(q)
	s.told[at][p]++
	n, ok := s.next()
	if !ok {
		return nil
	}
	for range n % 4 {
		b, ok := s.next()
		if !ok {
			return out
		}
		r := repertoire[int(b)%len(repertoire)]
		s.note(r)
		out = append(out, r)
	}
	return out
}

// note counts what an answer may be to; one that says nothing may be to anything.
func (s *script) note(r *extprocv3.ProcessingResponse) {
	switch r.GetResponse().(type) {
	case nil:
		for _, at := range []side{request, response} {
			for _, p := range []part{head, chunk, tail} {
				s.said[at][p]++
			}
		}
	case *extprocv3.ProcessingResponse_RequestHeaders:
		s.said[request][head]++
		s.free[request] = s.free[request] || r == requestReplaced
	case *extprocv3.ProcessingResponse_ResponseHeaders:
		s.said[response][head]++
	case *extprocv3.ProcessingResponse_RequestBody:
		s.said[request][chunk]++
	case *extprocv3.ProcessingResponse_ResponseBody:
		s.said[response][chunk]++
	case *extprocv3.ProcessingResponse_RequestTrailers:
		s.said[request][tail]++
	case *extprocv3.ProcessingResponse_ResponseTrailers:
		s.said[response][tail]++
	}
}

func partOf(q *extprocv3.ProcessingRequest) (side, part) {
	switch q.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		return request, head
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		return response, head
	case *extprocv3.ProcessingRequest_RequestBody:
		return request, chunk
	case *extprocv3.ProcessingRequest_ResponseBody:
		return response, chunk
	case *extprocv3.ProcessingRequest_RequestTrailers:
		return request, tail
	}
	return response, tail
}

// FuzzCallout has callouts say anything at any time. Nothing panics or waits for ever, and with failOpen false no side passes
// of which something was sent and not answered.
func FuzzCallout(f *testing.F) {
	for _, seed := range [][]byte{
		{}, {1, 2}, {1, 0, 1, 3}, {1, 2, 1, 4, 1, 4, 1, 6, 1, 3, 1, 5}, {1, 13}, {2, 2, 2}, {1, 9}, {1, 2, 1, 10}, {1, 17, 1, 4}, {3, 2, 9, 10}, {1, 14}, {1, 15}, {1, 8},
	} {
		for _, config := range []byte{0, 1, 2, 7, 12, 15, 31} {
			f.Add(config, seed)
		}
	}
	f.Fuzz(func(t *testing.T, config byte, data []byte) {
		s := &script{bytes: data, told: map[side]map[part]int{request: {}, response: {}}, said: map[side]map[part]int{request: {}, response: {}}, free: map[side]bool{}}
		pipe := newMemory(s.answer)
		pipe.ends = config&16 != 0
		pipe.status = &frame.Status{Code: frame.Code(config >> 5)}
		e := &lbv1.Extension{Events: everyEvent, FailOpen: config&1 != 0}
		if config&2 != 0 {
			e.RequestBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		if config&4 != 0 {
			e.ResponseBodySendMode = lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		if config&8 != 0 {
			e.Events = everyEvent[:1]
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			fuzzRun(t, e, pipe, s, config)
		}()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			panic("an exchange waits for ever")
		}
	})
}

func fuzzRun(t *testing.T, e *lbv1.Extension, pipe *memory, s *script, config byte) {
	r := newRun(t, e, extension.Traffic, pipe)
	defer r.end()
	ready := len(s.bytes)%2 == 0
	pass := func(at side, send func(message.Body) error, body *message.Body) bool {
		err := send(&source{pieces: []string{"first", "second"}, ready: ready, trailers: trailersOf("x-tail", "t")})
		if err == nil {
			_, err = pull(*body)
		}
		if err != nil {
			return false
		}
		if !e.FailOpen && !covered(pipe, s, at, config&(2<<at) != 0 && config&8 == 0) {
			t.Errorf("the %s passed, told %v, said %v, config %d", at, s.told[at], s.said[at], config)
		}
		return true
	}
	if pass(request, r.sendRequest, &r.request.Body) {
		pass(response, r.sendResponse, &r.response.Body)
	}
}

// covered reports whether the callout has had its say on all of a side that it was told of. In full duplex a piece of its own
// may stand for any number, and for the trailers.
func covered(pipe *memory, s *script, at side, duplex bool) bool {
	pipe.mu.Lock()
	defer pipe.mu.Unlock()
	told, said := s.told[at], s.said[at]
	if said[head] < told[head] {
		return false
	}
	if s.free[at] {
		return true
	}
	if duplex {
		return said[chunk]+said[tail] > 0 || told[chunk]+told[tail] == 0
	}
	return said[chunk] >= told[chunk] && said[tail] >= told[tail]
}
