package callout

import lbv1 "github.com/spillway-lb/spillway/api/lb/v1"

// Event is a set of what a callout can be told of.
type Event uint8

// The events.
const (
	RequestHeaders Event = 1 << iota
	RequestBody
	RequestTrailers
	ResponseHeaders
	ResponseBody
	ResponseTrailers
)

// side is a direction of an exchange.
type side uint8

const (
	request side = iota
	response
)

// part is what a message of a side is about.
type part uint8

const (
	head part = iota
	chunk
	tail
	// ending is the last chunk of a body in full duplex: what is owed for it is the end of the callout's own.
	ending
)

// events are those of a side.
func (s side) events() (head, body, tail Event) {
	if s == request {
		return RequestHeaders, RequestBody, RequestTrailers
	}
	return ResponseHeaders, ResponseBody, ResponseTrailers
}

func (s side) String() string {
	if s == request {
		return "request"
	}
	return "response"
}

var partNames = [...]string{head: "headers", chunk: "body", tail: "trailers", ending: "end of the body"}

func (p part) String() string { return partNames[p] }

var modelEvents = map[lbv1.Extension_Event]Event{
	lbv1.Extension_REQUEST_HEADERS: RequestHeaders, lbv1.Extension_REQUEST_BODY: RequestBody, lbv1.Extension_REQUEST_TRAILERS: RequestTrailers,
	lbv1.Extension_RESPONSE_HEADERS: ResponseHeaders, lbv1.Extension_RESPONSE_BODY: ResponseBody, lbv1.Extension_RESPONSE_TRAILERS: ResponseTrailers,
}
