// Package extension is what may stand between the phases of an exchange: the point where callouts and plugins go in.
//
// In: Chains of a target proxy, which its configuration carries. Out: filters that the exchanges of that target proxy
// call, one object of each extension for an exchange. A target proxy without chains costs its exchanges a nil check.
//
// The order is that of Google's load balancers. On the way in: the route chain, before the URL map is asked, may change
// where the request goes; then the URL map chooses rule and backend service; then the traffic chain, before header edits,
// rewrites, redirects and mirrors. On the way back the traffic chain comes first, the last of its extensions before the
// others, then the route chain, then the rule's edits. Of each kind the first chain whose Match holds is run, no other.
//
// A filter runs in the exchange's goroutine. To wait it simply blocks, on what its Exchange's Context ends: that is done
// when the client has left, when the exchange's time is over, and when the proxy ends. It is one and the same for all chains
// of an exchange. A body is a pull source
// (message.Body) that a filter wraps: what it does not pull is not read, so back-pressure passes through. A filter may
// pull in a goroutine of its own (full duplex); End returns when that has ended. An error ends the exchange: a
// *LocalReply is the answer, another error is 500, and once the head of the answer is out the stream is reset. A panic is
// such an error.
//
// Answers that the proxy makes (no endpoint, a redirect, a preflight) pass the filters that have seen the request, as those
// of backends do, for as long as it makes sense to wait. What a filter answers, or causes by failing, no filter sees.
//
// How a filter is written: Example has one whole. It embeds Pass and has the methods it needs. It changes heads by their
// setters, which refuse what is not allowed. It wraps a body by SetBody with a Streamed, whose Piece sees each piece and
// whose Tail sees the trailers, also when there are none; with Length as its length if the bytes stay as many. It answers by
// returning a *LocalReply, from a head or from a body. What it holds it gives back in End, which is always called.
package extension
