package callout

import (
	"errors"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	extprocv3 "github.com/envoyproxy/go-control-plane/envoy/service/ext_proc/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/protobuf/types/known/wrapperspb"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/header"
)

var everyEvent = []lbv1.Extension_Event{
	lbv1.Extension_REQUEST_HEADERS, lbv1.Extension_REQUEST_BODY, lbv1.Extension_REQUEST_TRAILERS,
	lbv1.Extension_RESPONSE_HEADERS, lbv1.Extension_RESPONSE_BODY, lbv1.Extension_RESPONSE_TRAILERS,
}

// answering answers each event with what its function says; nil answers nothing.
type answering struct {
	head, body, tail func(s side, q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse
}

func one(r *extprocv3.ProcessingResponse) func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
	return func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
		return []*extprocv3.ProcessingResponse{r}
	}
}

func (a answering) answer(q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
	do := func(f func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse, s side, fallback *extprocv3.ProcessingResponse) []*extprocv3.ProcessingResponse {
		if f == nil {
			return []*extprocv3.ProcessingResponse{fallback}
		}
		return f(s, q)
	}
	switch q.GetRequest().(type) {
	case *extprocv3.ProcessingRequest_RequestHeaders:
		return do(a.head, request, requestHead)
	case *extprocv3.ProcessingRequest_ResponseHeaders:
		return do(a.head, response, responseHead)
	case *extprocv3.ProcessingRequest_RequestBody:
		return do(a.body, request, requestChunk)
	case *extprocv3.ProcessingRequest_ResponseBody:
		return do(a.body, response, responseChunk)
	case *extprocv3.ProcessingRequest_RequestTrailers:
		return do(a.tail, request, requestTail)
	}
	return do(a.tail, response, responseTail)
}

// upper answers a chunk with it in upper case, in either mode.
func upper(duplex bool) func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
	return func(s side, q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
		b := q.GetRequestBody()
		if s == response {
			b = q.GetResponseBody()
		}
		p := strings.ToUpper(string(b.GetBody()))
		if duplex {
			return []*extprocv3.ProcessingResponse{pieceAnswer(s, p, b.GetEndOfStream())}
		}
		return []*extprocv3.ProcessingResponse{chunkAnswer(s, &extprocv3.CommonResponse{BodyMutation: &extprocv3.BodyMutation{
			Mutation: &extprocv3.BodyMutation_Body{Body: []byte(p)},
		}})}
	}
}

func options(list ...string) *extprocv3.HeaderMutation {
	m := &extprocv3.HeaderMutation{}
	for i := 0; i < len(list); i += 2 {
		m.SetHeaders = append(m.SetHeaders, &corev3.HeaderValueOption{Header: &corev3.HeaderValue{Key: list[i], RawValue: []byte(list[i+1])}})
	}
	return m
}

// trailersOf makes trailers.
func trailersOf(list ...string) *header.Map {
	m := &header.Map{}
	for i := 0; i < len(list); i += 2 {
		m.Add([]byte(list[i]), []byte(list[i+1]))
	}
	return m
}

// TestBodies takes bodies of both sides through callouts in both modes: whatever pieces they come in, whole and once, with
// their trailers.
func TestBodies(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 8<<10) // 128 KB
	for _, duplex := range []bool{false, true} {
		mode := lbv1.Extension_STREAMED
		if duplex {
			mode = lbv1.Extension_FULL_DUPLEX_STREAMED
		}
		for name, src := range map[string]func() *source{
			"nothing":          func() *source { return &source{} },
			"nothing, at hand": func() *source { return &source{ready: true} },
			"a piece":          func() *source { return &source{pieces: []string{"hello"}} },
			"pieces at hand":   func() *source { return &source{pieces: strings.SplitAfter("a b c d e", " "), ready: true} },
			"pieces that come": func() *source { return &source{pieces: strings.SplitAfter("a b c d e", " ")} },
			"much at hand":     func() *source { return &source{pieces: []string{long, "x", long, "y"}, ready: true} },
			"much that comes":  func() *source { return &source{pieces: []string{"x", long, "y", long}} },
			"trailers": func() *source {
				return &source{pieces: []string{"a", "b"}, ready: true, trailers: trailersOf("x-tail", "t")}
			},
			"trailers that come": func() *source { return &source{pieces: []string{"a", "b"}, trailers: trailersOf("x-tail", "t")} },
			"trailers alone":     func() *source { return &source{trailers: trailersOf("x-tail", "t"), ready: true} },
		} {
			tail := func(s side, _ *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
				m := &extprocv3.TrailersResponse{HeaderMutation: options("x-added", "yes")}
				if s == request {
					return []*extprocv3.ProcessingResponse{{Response: &extprocv3.ProcessingResponse_RequestTrailers{RequestTrailers: m}}}
				}
				return []*extprocv3.ProcessingResponse{{Response: &extprocv3.ProcessingResponse_ResponseTrailers{ResponseTrailers: m}}}
			}
			pipe := newMemory(answering{body: upper(duplex), tail: tail}.answer)
			r := newRun(t, &lbv1.Extension{Events: everyEvent, RequestBodySendMode: mode, ResponseBodySendMode: mode}, extension.Traffic, pipe)
			want := strings.ToUpper(strings.Join(src().pieces, ""))
			wantTail := ""
			if src().trailers != nil {
				wantTail = "x-tail: t; x-added: yes"
			}
			check := func(what string, got string, err error, tail *header.Map) {
				t.Helper()
				gotTail := ""
				if tail != nil {
					gotTail = fieldsOf(tail)
				}
				if err != nil || got != want || gotTail != wantTail {
					t.Errorf("duplex %v, %s, %s: %d bytes of %d, %v, trailers %q", duplex, name, what, len(got), len(want), err, gotTail)
				}
			}
			if err := r.sendRequest(src()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := pull(r.request.Body)
			check("request", got, err, r.request.Body.Trailers())
			if err := r.sendResponse(src()); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err = pull(r.response.Body)
			check("response", got, err, r.response.Body.Trailers())
			r.end()
			if r.x.log["grpcStatus"] != "OK" {
				t.Errorf("%s: log %v", name, r.x.log)
			}
		}
	}
}

// TestOriginalsPass has what a failure makes of a body, by failOpen: nothing is lost and nothing passes in silence.
func TestOriginalsPass(t *testing.T) {
	// Each is a chunk of its own.
	a, b, c3 := strings.Repeat("a", 10<<10), strings.Repeat("b", 10<<10), strings.Repeat("c", 10<<10)
	pieces, whole := []string{a, b, c3}, a+b+c3
	none := func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse { return nil }
	bodyIllegal := one(responseHead)
	after := func(n int, first, then func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse) func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
		seen := 0
		return func(s side, q *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse {
			if seen++; seen <= n {
				return first(s, q)
			}
			return then(s, q)
		}
	}
	for name, c := range map[string]struct {
		duplex bool
		a      func() answering
		want   string // with failOpen; "" is a failure in spite of it
	}{
		"the head is not answered":           {false, func() answering { return answering{head: none} }, whole},
		"the head is answered illegally":     {false, func() answering { return answering{head: one(responseChunk)} }, whole},
		"no chunk is answered":               {false, func() answering { return answering{body: none} }, whole},
		"the second chunk is not answered":   {false, func() answering { return answering{body: after(1, upper(false), none)} }, strings.ToUpper(a) + b + c3},
		"a chunk is answered illegally":      {false, func() answering { return answering{body: bodyIllegal} }, whole},
		"duplex: the head is not answered":   {true, func() answering { return answering{head: none} }, whole},
		"duplex: no chunk is answered":       {true, func() answering { return answering{body: none} }, whole},
		"duplex: the head, illegally":        {true, func() answering { return answering{head: one(responseChunk)} }, whole},
		"duplex: after a piece of its own":   {true, func() answering { return answering{body: after(1, upper(true), none)} }, ""},
		"duplex: an illegal piece, at first": {true, func() answering { return answering{body: bodyIllegal} }, whole},
	} {
		for _, open := range []bool{false, true} {
			mode := lbv1.Extension_STREAMED
			if c.duplex {
				mode = lbv1.Extension_FULL_DUPLEX_STREAMED
			}
			r := newRun(t, &lbv1.Extension{Events: everyEvent, FailOpen: open, RequestBodySendMode: mode}, extension.Traffic, newMemory(c.a().answer))
			err := r.sendRequest(&source{pieces: append([]string(nil), pieces...), ready: true})
			var got string
			if err == nil {
				got, err = pull(r.request.Body)
			}
			fails := !open || c.want == ""
			switch {
			case fails && err == nil:
				t.Errorf("%s, failOpen %v: %d bytes passed", name, open, len(got))
			case !fails && (err != nil || got != c.want):
				t.Errorf("%s, failOpen %v: %d bytes, %v", name, open, len(got), err)
			}
			opened := r.x.counts["failed_open"]
			if closed := r.x.counts["failed_closed"]; opened+closed != 1 || (opened == 1) == fails {
				t.Errorf("%s, failOpen %v: counts %v", name, open, r.x.counts)
			}
			if err := r.sendResponse(&source{pieces: []string{"back"}}); (err != nil) != fails {
				t.Errorf("%s, failOpen %v: the answer: %v", name, open, err)
			}
			r.end()
		}
	}
}

// TestHeadOnlyIsTimed: in full duplex nothing follows a head that is all there is, so that its answer is due at once. Without
// a time the callout would be waited for as long as the exchange lasts.
func TestHeadOnlyIsTimed(t *testing.T) {
	none := func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse { return nil }
	for _, events := range [][]lbv1.Extension_Event{everyEvent, everyEvent[:2], everyEvent[3:5]} {
		for _, open := range []bool{false, true} {
			mode := lbv1.Extension_FULL_DUPLEX_STREAMED
			e := &lbv1.Extension{Events: events, FailOpen: open, RequestBodySendMode: mode, ResponseBodySendMode: mode}
			r := newRun(t, e, extension.Traffic, newMemory(answering{head: none}.answer))
			err := r.sendRequest(nil)
			if err == nil {
				err = r.sendResponse(nil)
			}
			if (err == nil) != open || r.x.counts["cause_timeout"] != 1 {
				t.Errorf("%v, failOpen %v: %v, %v", events, open, err, r.x.counts)
			}
			r.end()
		}
	}
}

// TestMutations has what callouts may change, by kind, and how.
func TestMutations(t *testing.T) {
	option := func(name, value string, action corev3.HeaderValueOption_HeaderAppendAction) *extprocv3.HeaderMutation {
		m := options(name, value)
		m.SetHeaders[0].AppendAction = action
		return m
	}
	const (
		absent, overwrite, existing = corev3.HeaderValueOption_ADD_IF_ABSENT, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD, corev3.HeaderValueOption_OVERWRITE_IF_EXISTS
	)
	value := options("x-new", "")
	value.SetHeaders[0].Header.RawValue, value.SetHeaders[0].Header.Value = nil, "ignored"
	for name, c := range map[string]struct {
		kind extension.Kind
		m    *extprocv3.HeaderMutation
		want string // METHOD scheme authority path | fields; "" is a failure
	}{
		"a field":                   {extension.Traffic, options("X-New", "1"), "POST http a.example /p?q | x-here: v; x-new: 1"},
		"no value":                  {extension.Traffic, value, "POST http a.example /p?q | x-here: v; x-new: "},
		"set by the zero action":    {extension.Traffic, options("x-here", "1"), "POST http a.example /p?q | x-here: 1"},
		"add if absent, there":      {extension.Traffic, option("x-here", "1", absent), "POST http a.example /p?q | x-here: v"},
		"add if absent, not there":  {extension.Traffic, option("x-new", "1", absent), "POST http a.example /p?q | x-here: v; x-new: 1"},
		"overwrite":                 {extension.Traffic, option("x-here", "1", overwrite), "POST http a.example /p?q | x-here: 1"},
		"overwrite or add":          {extension.Traffic, option("x-new", "1", overwrite), "POST http a.example /p?q | x-here: v; x-new: 1"},
		"overwrite existing":        {extension.Traffic, option("x-here", "1", existing), "POST http a.example /p?q | x-here: 1"},
		"overwrite none":            {extension.Traffic, option("x-new", "1", existing), "POST http a.example /p?q | x-here: v"},
		"remove":                    {extension.Traffic, &extprocv3.HeaderMutation{RemoveHeaders: []string{"X-Here", "x-not-there"}}, "POST http a.example /p?q | "},
		"remove, then set":          {extension.Traffic, &extprocv3.HeaderMutation{RemoveHeaders: []string{"x-here"}, SetHeaders: options("x-here", "2").SetHeaders}, "POST http a.example /p?q | x-here: 2"},
		"space at the ends":         {extension.Traffic, options("x-new", " 1\t"), "POST http a.example /p?q | x-here: v; x-new: 1"},
		"route: where it goes":      {extension.Route, options(":authority", "b.example", ":path", "/z", ":method", "PUT"), "PUT http b.example /z | x-here: v"},
		"route: host":               {extension.Route, options("host", "b.example"), "POST http b.example /p?q | x-here: v"},
		"traffic: where it goes":    {extension.Traffic, options(":authority", "b.example", ":path", "/z", ":method", "PUT", ":scheme", "https", "host", "c"), "POST http a.example /z | x-here: v"},
		"forbidden names":           {extension.Route, options("x-forwarded-for", "1", "X-User-IP", "1", "cdn-loop", "1", "te", "1", "connection", "close", "content-length", "3", "transfer-encoding", "chunked"), "POST http a.example /p?q | x-here: v"},
		"route: absent :path":       {extension.Route, option(":path", "/z", absent), "POST http a.example /p?q | x-here: v"},
		"route: absent :authority":  {extension.Route, option(":authority", "b.example", absent), "POST http a.example /p?q | x-here: v"},
		"route: existing :path":     {extension.Route, option(":path", "/z", existing), "POST http a.example /z | x-here: v"},
		"absent, unknown pseudo":    {extension.Route, option(":evil", "1", absent), ""},
		"route: absent host":        {extension.Route, option("host", "b.example", absent), "POST http a.example /p?q | x-here: v"},
		"route: existing host":      {extension.Route, option("host", "b.example", existing), "POST http b.example /p?q | x-here: v"},
		"pseudo-headers stay":       {extension.Route, &extprocv3.HeaderMutation{RemoveHeaders: []string{":path", ":authority", "host"}}, "POST http a.example /p?q | x-here: v"},
		"a name that is none":       {extension.Traffic, options("x new", "1"), ""},
		"no name":                   {extension.Traffic, options("", "1"), ""},
		"a split value":             {extension.Traffic, options("x-new", "1\r\nevil: 1"), ""},
		"an unknown pseudo-header":  {extension.Traffic, options(":evil", "1"), ""},
		"of the other side":         {extension.Traffic, options(":status", "200"), ""},
		"a target that is none":     {extension.Traffic, options(":path", "no-slash"), ""},
		"a split target":            {extension.Traffic, options(":path", "/ HTTP/1.1"), ""},
		"a method that is none":     {extension.Route, options(":method", "GE T"), ""},
		"an authority that is none": {extension.Route, options(":authority", "a b"), ""},
		"a removed name, none":      {extension.Traffic, &extprocv3.HeaderMutation{RemoveHeaders: []string{"a b"}}, ""},
	} {
		for _, open := range []bool{false, true} {
			pipe := newMemory(answering{head: one(headAnswer(request, &extprocv3.CommonResponse{HeaderMutation: c.m}))}.answer)
			r := newRun(t, &lbv1.Extension{Events: everyEvent[:1], FailOpen: open}, c.kind, pipe)
			err := r.sendRequest(nil)
			q := &r.request
			got := strings.Join([]string{string(q.Method), string(q.Scheme), string(q.Authority), string(q.Path)}, " ") + " | " + fieldsOf(&q.Header)
			want := c.want
			if want == "" {
				want = "POST http a.example /p?q | x-here: v"
			}
			if got != want || (err != nil) != (c.want == "" && !open) {
				t.Errorf("%s, failOpen %v: %s, %v", name, open, got, err)
			}
			r.end()
		}
	}
}

// TestAppend: the older field appends.
func TestAppend(t *testing.T) {
	m := options("x-here", "1")
	//lint:ignore SA1019 servers set the older field
	m.SetHeaders[0].Append = wrapperspb.Bool(true)
	pipe := newMemory(answering{head: one(headAnswer(request, &extprocv3.CommonResponse{HeaderMutation: m}))}.answer)
	r := newRun(t, &lbv1.Extension{Events: everyEvent[:1]}, extension.Traffic, pipe)
	if err := r.sendRequest(nil); err != nil || fieldsOf(&r.request.Header) != "x-here: v; x-here: 1" {
		t.Errorf("%s, %v", fieldsOf(&r.request.Header), err)
	}
	r.end()
}

// TestReplies has immediate responses.
func TestReplies(t *testing.T) {
	say := func(code int, m *extprocv3.HeaderMutation, body string) *extprocv3.ProcessingResponse {
		im := &extprocv3.ImmediateResponse{Headers: m, Body: []byte(body), GrpcStatus: &extprocv3.GrpcStatus{Status: 7}}
		if code != 0 {
			im.Status = &typev3.HttpStatus{Code: typev3.StatusCode(code)}
		}
		return &extprocv3.ProcessingResponse{Response: &extprocv3.ProcessingResponse_ImmediateResponse{ImmediateResponse: im}}
	}
	for _, open := range []bool{false, true} {
		for status, want := range map[int]int{403: 403, 0: 200, 100: 200, 599: 599} {
			pipe := newMemory(answering{head: one(say(status, options("x-a", "1", "x-a", "2"), "no"))}.answer)
			r := newRun(t, &lbv1.Extension{Events: everyEvent, FailOpen: open}, extension.Traffic, pipe)
			var local *extension.LocalReply
			if err := r.sendRequest(nil); !errors.As(err, &local) || local.Status != want || string(local.Body) != "no" || local.GRPCStatus != 7 || len(local.Header) != 1 || local.Header[0].Value != "2" {
				t.Errorf("%d: %v %+v", status, err, local)
			}
			r.end()
			if r.x.counts["failed_open"]+r.x.counts["failed_closed"] != 0 {
				t.Errorf("a reply was counted as a failure: %v", r.x.counts)
			}
		}
		// While chunks are under way.
		pipe := newMemory(answering{body: one(say(403, nil, ""))}.answer)
		r := newRun(t, &lbv1.Extension{Events: everyEvent, FailOpen: open}, extension.Traffic, pipe)
		if err := r.sendRequest(&source{pieces: []string{"x"}}); err != nil {
			t.Fatal(err)
		}
		var local *extension.LocalReply
		if _, err := pull(r.request.Body); !errors.As(err, &local) {
			t.Errorf("from a body: %v", err)
		}
		r.end()
	}
}

// TestEndOfStream: a callout may end the stream when it owes nothing, with OK; after its last event with anything.
func TestEndOfStream(t *testing.T) {
	for name, c := range map[string]struct {
		events []lbv1.Extension_Event
		status *frame.Status
		passes bool
	}{
		"OK":                            {everyEvent, &frame.Status{}, true},
		"an error":                      {everyEvent, &frame.Status{Code: frame.Unknown}, false},
		"no status":                     {everyEvent, nil, false},
		"an error after the last event": {everyEvent[:1], &frame.Status{Code: frame.Unknown}, true},
	} {
		pipe := newMemory(answering{}.answer)
		pipe.status = c.status
		r := newRun(t, &lbv1.Extension{Events: c.events}, extension.Traffic, pipe)
		if err := r.sendRequest(nil); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		pipe.ends = true
		pipe.answer = func(*extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse { return nil }
		err := r.sendResponse(nil)
		if name == "OK" {
			// It has been sent the headers before its end was seen, and owes an answer.
			c.passes = false
		}
		if (err == nil) != c.passes {
			t.Errorf("%s: %v", name, err)
		}
		r.end()
	}
}

// TestSelection has what a callout is sent of headers, metadata and attributes.
func TestSelection(t *testing.T) {
	pipe := newMemory(answering{}.answer)
	r := newRun(t, &lbv1.Extension{
		Name: "ext", Events: everyEvent[:1], ForwardHeaders: []string{":path", "X-Here"}, Metadata: map[string]string{"k": "v"},
		ForwardAttributes: []string{"request.host", "request.path", "request.query", "source.port", "connection.sni", "source.client_region"},
	}, extension.Traffic, pipe)
	r.request.Header.Add([]byte("x-other"), []byte("o"))
	if err := r.sendRequest(nil); err != nil {
		t.Fatal(err)
	}
	r.end()
	q := pipe.requests[0]
	var got []string
	for _, h := range q.GetRequestHeaders().GetHeaders().GetHeaders() {
		got = append(got, h.GetKey()+"="+string(h.GetRawValue())+h.GetValue())
	}
	if strings.Join(got, " ") != ":path=/p?q x-here=v" || !q.GetRequestHeaders().GetEndOfStream() {
		t.Errorf("headers %v", got)
	}
	if v := q.GetMetadataContext().GetFilterMetadata()["com.google.lb_traffic_extension.resource.chain.ext"].GetFields()["k"].GetStringValue(); v != "v" {
		t.Errorf("metadata %v", q.GetMetadataContext())
	}
	a := q.GetAttributes()[attributesKey].GetFields()
	if len(a) != 5 || a["source.client_region"].GetStringValue() != "DE" || a["request.host"].GetStringValue() != "a.example" || a["request.path"].GetStringValue() != "/p" || a["request.query"].GetStringValue() != "q" {
		t.Errorf("attributes %v", a)
	}
	if q.GetProtocolConfig() == nil {
		t.Error("no protocol configuration")
	}
}

// TestCutStreams: a stream that ends with its exchange while the callout owes something has not ended with OK.
func TestCutStreams(t *testing.T) {
	none := func(side, *extprocv3.ProcessingRequest) []*extprocv3.ProcessingResponse { return nil }
	for want, a := range map[string]answering{"OK": {body: upper(true)}, "CANCELLED": {body: none}} {
		e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED}
		r := newRun(t, e, extension.Traffic, newMemory(a.answer))
		if err := r.sendRequest(&source{pieces: []string{"x"}, ready: true}); err != nil {
			t.Fatal(err)
		}
		<-r.filter.bodies[request].fed
		if want == "OK" {
			if _, err := pull(r.request.Body); err != nil {
				t.Fatal(err)
			}
		}
		r.end()
		if r.x.log["grpcStatus"] != want || r.x.counts["grpc_"+want] != 1 || len(r.x.counts) != 1 {
			t.Errorf("%s: %v, %v", want, r.x.log, r.x.counts)
		}
	}
}

// TestEndWhileOpening: a stream that a feeder opens while its exchange ends is closed.
func TestEndWhileOpening(t *testing.T) {
	m := newMemory(answering{}.answer)
	e := &lbv1.Extension{Events: []lbv1.Extension_Event{lbv1.Extension_REQUEST_BODY}, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED}
	r := newRun(t, e, extension.Traffic, m)
	dialing, goOn := make(chan struct{}), make(chan struct{})
	r.filter.session.dial = func() (pipe, error) {
		close(dialing)
		<-goOn
		return m, nil
	}
	if err := r.sendRequest(&source{pieces: []string{"x"}, ready: true}); err != nil {
		t.Fatal(err)
	}
	<-dialing
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.end()
	}()
	s := r.filter.session
	s.mu.Lock()
	for s.end == nil {
		s.changed.Wait()
	}
	s.mu.Unlock()
	close(goOn)
	<-ended
	if m.closed != 1 {
		t.Errorf("the stream was closed %d times", m.closed)
	}
}

// TestStopRacesFeeder ends exchanges while a feeder begins to wait for a slow source. It is for the race detector.
func TestStopRacesFeeder(t *testing.T) {
	for range 50 {
		e := &lbv1.Extension{Events: everyEvent, RequestBodySendMode: lbv1.Extension_FULL_DUPLEX_STREAMED}
		r := newRun(t, e, extension.Traffic, newMemory(answering{body: upper(true)}.answer))
		if err := r.sendRequest(&source{pieces: []string{"a", "b", "c"}}); err != nil {
			t.Fatal(err)
		}
		r.end()
	}
}
