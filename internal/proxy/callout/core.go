package callout

import (
	"fmt"
	"slices"

	modev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/structpb"
)

// core is what a Process stream has come to: which answers are owed, and which of the callout's messages are legal. It knows
// no time and no connection; one goroutine at a time may use it.
type core struct {
	sides [2]sideCore
	// overridable: mode_override counts.
	overridable bool
	// owed are the messages that await an answer each, oldest first.
	owed []owed
}

type owed struct {
	side side
	part part
}

// sideCore is a direction's part.
type sideCore struct {
	// head, body and tail are wanted by the callout.
	head, body, tail bool
	duplex           bool

	headSent, tailSent bool
	// headOnly: the message ended with its head.
	headOnly bool
	// answered: the callout has had its say on the head.
	answered bool
	// ended: the callout's own body has ended, or there is none any more.
	ended bool
	// sent counts the chunks in full duplex, heard what came back. They decide what an empty answer is about.
	sent, heard int
}

// newCore begins a stream.
func newCore(events Event, duplex [2]bool, overridable bool) core {
	c := core{overridable: overridable && !duplex[request] && !duplex[response]}
	for s := range c.sides {
		h, b, t := side(s).events()
		c.sides[s] = sideCore{head: events&h != 0, body: events&b != 0, tail: events&t != 0, duplex: duplex[s]}
	}
	return c
}

// note says that a message has been sent. last is for a head or a chunk behind which nothing comes on its side.
func (c *core) note(s side, p part, last bool) {
	side := &c.sides[s]
	switch p {
	case head:
		side.headSent, side.headOnly = true, last
	case tail:
		side.tailSent = true
	case chunk:
		if side.duplex {
			side.sent++
			if !last {
				return
			}
			p = ending
		}
	}
	c.owed = append(c.owed, owed{s, p})
}

// answer is what a message of the callout says.
type answer struct {
	side side
	part part
	// nothing: the message answers none of ours.
	nothing bool
	// common is that of a head or a chunk; nil changes nothing.
	common *extprocv3.CommonResponse
	// piece is a chunk of the callout's own, in full duplex; last is its end.
	piece []byte
	last  bool
	// trailers is that of a tail.
	trailers *extprocv3.HeaderMutation
	// immediate ends the exchange.
	immediate *extprocv3.ImmediateResponse
	// metadata is what the callout says beside it.
	metadata *structpb.Struct
}

// illegal is a message that the protocol does not allow where it came.
type illegal string

func (e illegal) Error() string { return string(e) }

// take takes a message of the callout. An error is an illegal one: the stream is of no use any more.
func (c *core) take(r *extprocv3.ProcessingResponse) (answer, error) {
	switch v := r.GetResponse().(type) {
	case nil:
		return c.takeEmpty(r)
	case *extprocv3.ProcessingResponse_RequestHeaders:
		return c.takeHead(request, v.RequestHeaders.GetResponse(), r.GetModeOverride())
	case *extprocv3.ProcessingResponse_ResponseHeaders:
		return c.takeHead(response, v.ResponseHeaders.GetResponse(), r.GetModeOverride())
	case *extprocv3.ProcessingResponse_RequestBody:
		return c.takeChunk(request, v.RequestBody.GetResponse())
	case *extprocv3.ProcessingResponse_ResponseBody:
		return c.takeChunk(response, v.ResponseBody.GetResponse())
	case *extprocv3.ProcessingResponse_RequestTrailers:
		return c.takeTail(request, v.RequestTrailers.GetHeaderMutation())
	case *extprocv3.ProcessingResponse_ResponseTrailers:
		return c.takeTail(response, v.ResponseTrailers.GetHeaderMutation())
	case *extprocv3.ProcessingResponse_ImmediateResponse:
		c.owed = nil
		return answer{immediate: v.ImmediateResponse}, nil
	}
	return answer{}, illegal(fmt.Sprintf("%T is not supported", r.GetResponse()))
}

// takeEmpty: servers answer an event that they do not handle with a message that says nothing: no change.
func (c *core) takeEmpty(r *extprocv3.ProcessingResponse) (answer, error) {
	if r.GetOverrideMessageTimeout() != nil || len(c.owed) == 0 {
		for s := range c.sides {
			c.sides[s].heard++
		}
		return answer{nothing: true}, nil
	}
	first := c.owed[0]
	side := &c.sides[first.side]
	switch first.part {
	case head:
		return c.takeHead(first.side, nil, r.GetModeOverride())
	case chunk:
		return c.takeChunk(first.side, nil)
	}
	if side.duplex && side.heard < side.sent {
		side.heard++
		if first.part == tail || side.heard < side.sent {
			return answer{nothing: true}, nil
		}
	}
	if first.part == tail {
		return c.takeTail(first.side, nil)
	}
	return c.endBody(first.side, nil), nil
}

// next removes the oldest answer that is owed on a side, if it is one for p.
func (c *core) next(s side, p part) bool {
	i := slices.IndexFunc(c.owed, func(o owed) bool { return o.side == s })
	if i < 0 || c.owed[i].part != p {
		return false
	}
	c.owed = slices.Delete(c.owed, i, i+1)
	return true
}

func (c *core) takeHead(s side, common *extprocv3.CommonResponse, override *modev3.ProcessingMode) (answer, error) {
	if !c.next(s, head) {
		return answer{}, illegal(fmt.Sprintf("an answer to %s headers that await none", s))
	}
	side := &c.sides[s]
	side.answered = true
	if common.GetStatus() == extprocv3.CommonResponse_CONTINUE_AND_REPLACE {
		side.body, side.tail, side.ended = false, false, true
		c.owed = slices.DeleteFunc(c.owed, func(o owed) bool { return o.side == s })
	}
	if override != nil && c.overridable {
		c.override(s, override)
	}
	return answer{side: s, part: head, common: common}, nil
}

// override switches events that are still to come. How a body is sent cannot change.
func (c *core) override(at side, m *modev3.ProcessingMode) {
	if q := &c.sides[request]; at == request && !q.ended {
		q.body = overrideBody(q.body, m.GetRequestBodyMode())
		q.tail = m.GetRequestTrailerMode() == modev3.ProcessingMode_SEND
	}
	if r := &c.sides[response]; !r.ended {
		r.body = overrideBody(r.body, m.GetResponseBodyMode())
		r.tail = m.GetResponseTrailerMode() == modev3.ProcessingMode_SEND
		if !r.headSent {
			r.head = m.GetResponseHeaderMode() != modev3.ProcessingMode_SKIP
		}
	}
}

func overrideBody(now bool, m modev3.ProcessingMode_BodySendMode) bool {
	switch m {
	case modev3.ProcessingMode_NONE:
		return false
	case modev3.ProcessingMode_STREAMED:
		return true
	}
	return now
}

func (c *core) takeChunk(s side, common *extprocv3.CommonResponse) (answer, error) {
	side := &c.sides[s]
	piece, streamed := common.GetBodyMutation().GetMutation().(*extprocv3.BodyMutation_StreamedResponse)
	switch {
	case side.duplex:
		return c.takePiece(s, piece)
	case streamed:
		return answer{}, illegal(fmt.Sprintf("a streamed answer to a %s body that is not sent in full duplex", s))
	case !c.next(s, chunk):
		return answer{}, illegal(fmt.Sprintf("an answer to a %s body that awaits none", s))
	}
	return answer{side: s, part: chunk, common: common}, nil
}

// takePiece takes a chunk of the callout's own, in full duplex.
func (c *core) takePiece(s side, m *extprocv3.BodyMutation_StreamedResponse) (answer, error) {
	side := &c.sides[s]
	switch {
	case m == nil:
		return answer{}, illegal(fmt.Sprintf("an answer to a %s body in full duplex that is not streamed", s))
	case side.ended:
		return answer{}, illegal(fmt.Sprintf("more of a %s body that has ended", s))
	case side.headSent && !side.answered:
		return answer{}, illegal(fmt.Sprintf("a %s body before the answer to its headers", s))
	case !side.body || side.sent == 0 && !side.tailSent:
		return answer{}, illegal(fmt.Sprintf("a %s body that the callout was not sent", s))
	}
	side.heard++
	if m.StreamedResponse.GetEndOfStream() {
		return c.endBody(s, m.StreamedResponse.GetBody()), nil
	}
	return answer{side: s, part: chunk, piece: m.StreamedResponse.GetBody()}, nil
}

// endBody ends the callout's own body.
func (c *core) endBody(s side, piece []byte) answer {
	c.sides[s].ended = true
	c.owed = slices.DeleteFunc(c.owed, func(o owed) bool { return o == owed{s, ending} })
	return answer{side: s, part: chunk, piece: piece, last: true}
}

func (c *core) takeTail(s side, m *extprocv3.HeaderMutation) (answer, error) {
	if !c.next(s, tail) {
		return answer{}, illegal(fmt.Sprintf("an answer to %s trailers that await none", s))
	}
	c.sides[s].ended = true
	return answer{side: s, part: tail, trailers: m}, nil
}

// owes reports whether an answer is owed on a side.
func (c *core) owes(s side) bool {
	return slices.ContainsFunc(c.owed, func(o owed) bool { return o.side == s })
}

// late reports whether an answer is owed that a callout cannot put off: in full duplex it may wait for the end,
// if the head was not all.
func (c *core) late(s side) bool {
	if side := &c.sides[s]; !side.duplex || !side.body || side.headOnly {
		return c.owes(s)
	}
	return slices.ContainsFunc(c.owed, func(o owed) bool { return o.side == s && (o.part == tail || o.part == ending) })
}

// finish says that the callout has ended the stream and means well. An error says that it owes something.
func (c *core) finish() error {
	if len(c.owed) > 0 {
		return illegal(fmt.Sprintf("the callout ended the stream without an answer to %s %s", c.owed[0].side, c.owed[0].part))
	}
	for _, s := range []side{request, response} {
		side := &c.sides[s]
		if side.duplex && side.sent > 0 && !side.ended {
			return illegal(fmt.Sprintf("the callout ended the stream inside a %s body", s))
		}
		side.head, side.body, side.tail = false, false, false
	}
	return nil
}
