package callout

import (
	"fmt"
	"strings"
	"testing"

	modev3 "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/ext_proc/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Messages of callouts.
var (
	nothing         = &extprocv3.ProcessingResponse{}
	moreTime        = &extprocv3.ProcessingResponse{OverrideMessageTimeout: durationpb.New(1)}
	requestHead     = headAnswer(request, &extprocv3.CommonResponse{})
	responseHead    = headAnswer(response, &extprocv3.CommonResponse{})
	requestReplaced = headAnswer(request, &extprocv3.CommonResponse{Status: extprocv3.CommonResponse_CONTINUE_AND_REPLACE})
	requestChunk    = chunkAnswer(request, &extprocv3.CommonResponse{})
	responseChunk   = chunkAnswer(response, &extprocv3.CommonResponse{})
	requestTail     = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: &extprocv3.TrailersResponse{}}}
	responseTail    = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: &extprocv3.TrailersResponse{}}}
	immediate       = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: &extprocv3.ImmediateResponse{}}}
	unsupported     = &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_StreamedImmediateResponse{}}
)

func headAnswer(s side, c *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	h := &extprocv3.HeadersResponse{Response: c}
	if s == request {
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestHeaders{RequestHeaders: h}}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseHeaders{ResponseHeaders: h}}
}

func chunkAnswer(s side, c *extprocv3.CommonResponse) *extprocv3.ProcessingResponse {
	b := &extprocv3.BodyResponse{Response: c}
	if s == request {
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_RequestBody{RequestBody: b}}
	}
	return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ResponseBody{ResponseBody: b}}
}

// pieceAnswer is a chunk of the callout's own.
func pieceAnswer(s side, p string, last bool) *extprocv3.ProcessingResponse {
	return chunkAnswer(s, &extprocv3.CommonResponse{BodyMutation: &extprocv3.BodyMutation{Mutation: &extprocv3.BodyMutation_StreamedResponse{
		StreamedResponse: &extprocv3.StreamedBodyResponse{Body: []byte(p), EndOfStream: last},
	}}})
}

func withOverride(r *extprocv3.ProcessingResponse, m *modev3.ProcessingMode) *extprocv3.ProcessingResponse {
	return &extprocv3.ProcessingResponse{Response: r.Response, ModeOverride: m}
}

const allEvents = RequestHeaders | RequestBody | RequestTrailers | ResponseHeaders | ResponseBody | ResponseTrailers

// step is a message that was sent, or one that comes and what is to be made of it.
type step struct {
	send string // "request headers", "request body", "request last", "request trailers" ...
	take *extprocv3.ProcessingResponse
	want string // "request headers", "nothing", "immediate", "illegal", "request last" ...
}

func sent(what string) step { return step{send: what} }

func taken(r *extprocv3.ProcessingResponse, want string) step { return step{take: r, want: want} }

func (c *core) play(s step) string {
	if s.send != "" {
		name, what, _ := strings.Cut(s.send, " ")
		at := request
		if name == "response" {
			at = response
		}
		c.note(at, map[string]part{"headers": head, "body": chunk, "last": chunk, "trailers": tail}[what], what == "last")
		return ""
	}
	a, err := c.take(s.take)
	switch {
	case err != nil:
		return "illegal"
	case a.immediate != nil:
		return "immediate"
	case a.nothing:
		return "nothing"
	case a.last:
		return a.side.String() + " last"
	}
	return fmt.Sprintf("%s %s", a.side, a.part)
}

// TestCore has, for streams of all kinds, what answers what, what is illegal, and whether the callout may end the stream then.
func TestCore(t *testing.T) {
	both := [2]bool{true, true}
	for name, c := range map[string]struct {
		duplex [2]bool
		steps  []step
		ends   bool // the stream may end with OK
	}{
		"headers":                {steps: []step{sent("request headers"), taken(requestHead, "request headers"), sent("response headers"), taken(responseHead, "response headers")}, ends: true},
		"headers, nothing said":  {steps: []step{sent("request headers"), taken(nothing, "request headers"), sent("response headers"), taken(nothing, "response headers")}, ends: true},
		"no answer":              {steps: []step{sent("request headers")}},
		"more time is no answer": {steps: []step{sent("request headers"), taken(moreTime, "nothing"), taken(requestHead, "request headers")}, ends: true},
		"an answer twice":        {steps: []step{sent("request headers"), taken(requestHead, "request headers"), taken(requestHead, "illegal")}},
		"an answer to nothing":   {steps: []step{taken(requestHead, "illegal")}},
		"nothing to nothing":     {steps: []step{taken(nothing, "nothing")}, ends: true},
		"of the other side":      {steps: []step{sent("request headers"), taken(responseHead, "illegal")}},
		"of another part":        {steps: []step{sent("request headers"), taken(requestChunk, "illegal")}},
		"unsupported":            {steps: []step{sent("request headers"), taken(unsupported, "illegal")}},
		"immediate":              {steps: []step{sent("request headers"), taken(immediate, "immediate")}, ends: true},
		"immediate to nothing":   {steps: []step{taken(immediate, "immediate")}, ends: true},
		"chunks": {steps: []step{
			sent("request headers"), taken(requestHead, "request headers"), sent("request body"), sent("request body"), taken(requestChunk, "request body"),
			sent("request last"), taken(nothing, "request body"), taken(requestChunk, "request body"), taken(requestChunk, "illegal"),
		}},
		"trailers before a chunk's answer": {steps: []step{sent("request body"), sent("request trailers"), taken(requestTail, "illegal")}},
		"trailers":                         {steps: []step{sent("request body"), sent("request trailers"), taken(requestChunk, "request body"), taken(requestTail, "request trailers")}, ends: true},
		"a piece where chunks are":         {steps: []step{sent("request body"), taken(pieceAnswer(request, "x", false), "illegal")}},
		"two sides at once": {steps: []step{
			sent("request headers"), taken(nothing, "request headers"), sent("request body"), sent("response headers"),
			taken(responseHead, "response headers"), taken(requestChunk, "request body"), sent("response body"), sent("request body"), taken(nothing, "response body"), taken(nothing, "request body"),
		}, ends: true},
		"replaced": {steps: []step{sent("request headers"), taken(requestReplaced, "request headers"), taken(requestChunk, "illegal")}, ends: true},

		"duplex": {duplex: both, steps: []step{
			sent("request headers"), sent("request body"), taken(requestHead, "request headers"), sent("request last"),
			taken(pieceAnswer(request, "x", false), "request body"), taken(pieceAnswer(request, "", true), "request last"),
		}, ends: true},
		"duplex, a piece before the head":  {duplex: both, steps: []step{sent("request headers"), sent("request body"), taken(pieceAnswer(request, "x", false), "illegal")}},
		"duplex, more after the end":       {duplex: both, steps: []step{sent("request last"), taken(pieceAnswer(request, "x", true), "request last"), taken(pieceAnswer(request, "x", true), "illegal")}},
		"duplex, of a body not sent":       {duplex: both, steps: []step{sent("request headers"), taken(requestHead, "request headers"), taken(pieceAnswer(request, "x", true), "illegal")}},
		"duplex, not streamed":             {duplex: both, steps: []step{sent("request body"), taken(requestChunk, "illegal")}},
		"duplex, the stream ends inside":   {duplex: both, steps: []step{sent("request body"), taken(pieceAnswer(request, "x", false), "request body")}},
		"duplex, the end is not said":      {duplex: both, steps: []step{sent("request last"), taken(pieceAnswer(request, "x", false), "request body")}},
		"duplex, an early end":             {duplex: both, steps: []step{sent("request body"), taken(pieceAnswer(request, "x", true), "request last")}, ends: true},
		"duplex, trailers":                 {duplex: both, steps: []step{sent("request body"), sent("request trailers"), taken(pieceAnswer(request, "x", false), "request body"), taken(requestTail, "request trailers")}, ends: true},
		"duplex, nothing said to anything": {duplex: both, steps: []step{sent("request headers"), taken(nothing, "request headers"), sent("request body"), taken(nothing, "nothing"), sent("request last"), taken(nothing, "request last")}, ends: true},
		"duplex, nothing said to trailers": {duplex: both, steps: []step{sent("request body"), taken(pieceAnswer(request, "x", false), "request body"), sent("request trailers"), taken(nothing, "request trailers")}, ends: true},
		"duplex, nothing, then trailers":   {duplex: both, steps: []step{sent("request body"), sent("request body"), sent("request trailers"), taken(nothing, "nothing"), taken(nothing, "nothing"), taken(nothing, "request trailers")}, ends: true},
	} {
		core := newCore(allEvents, c.duplex, true)
		for i, s := range c.steps {
			if got := core.play(s); got != s.want {
				t.Fatalf("%s: step %d is %q, want %q", name, i, got, s.want)
			}
		}
		if err := core.finish(); (err == nil) != c.ends && c.steps[len(c.steps)-1].want != "illegal" {
			t.Errorf("%s: the end of the stream is %v", name, err)
		}
	}
}

// TestModeOverride has what an override switches, and who may.
func TestModeOverride(t *testing.T) {
	streamed, none, buffered := modev3.ProcessingMode_STREAMED, modev3.ProcessingMode_NONE, modev3.ProcessingMode_BUFFERED
	for name, c := range map[string]struct {
		events      Event
		duplex      bool
		overridable bool
		mode        *modev3.ProcessingMode
		want        Event // of what is still to come
	}{
		"bodies on":           {RequestHeaders, false, true, &modev3.ProcessingMode{RequestBodyMode: streamed, ResponseBodyMode: streamed}, RequestBody | ResponseHeaders | ResponseBody},
		"bodies off":          {allEvents, false, true, &modev3.ProcessingMode{RequestBodyMode: none, ResponseBodyMode: none}, ResponseHeaders},
		"all off":             {allEvents, false, true, &modev3.ProcessingMode{ResponseHeaderMode: modev3.ProcessingMode_SKIP}, 0},
		"trailers on":         {RequestHeaders, false, true, &modev3.ProcessingMode{RequestTrailerMode: modev3.ProcessingMode_SEND, ResponseTrailerMode: modev3.ProcessingMode_SEND, ResponseHeaderMode: modev3.ProcessingMode_SKIP}, RequestTrailers | ResponseTrailers},
		"a mode that is none": {RequestHeaders | RequestBody, false, true, &modev3.ProcessingMode{RequestBodyMode: buffered, ResponseBodyMode: buffered, ResponseHeaderMode: modev3.ProcessingMode_SKIP}, RequestBody},
		"in full duplex":      {allEvents, true, true, &modev3.ProcessingMode{ResponseHeaderMode: modev3.ProcessingMode_SKIP}, allEvents &^ RequestHeaders},
		"of a route":          {allEvents, false, false, &modev3.ProcessingMode{ResponseHeaderMode: modev3.ProcessingMode_SKIP}, allEvents &^ RequestHeaders},
	} {
		core := newCore(c.events, [2]bool{c.duplex, false}, c.overridable)
		core.note(request, head, false)
		if _, err := core.take(withOverride(requestHead, c.mode)); err != nil {
			t.Fatal(err)
		}
		var got Event
		for _, s := range []side{request, response} {
			h, b, tr := s.events()
			state := core.sides[s]
			for e, on := range map[Event]bool{h: state.head && s == response, b: state.body, tr: state.tail} {
				if on {
					got |= e
				}
			}
		}
		if got != c.want {
			t.Errorf("%s: %06b is to come, want %06b", name, got, c.want)
		}
	}
}
