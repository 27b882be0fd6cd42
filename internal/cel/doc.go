// Package cel is the language of match conditions: which requests an extension chain is for.
//
// In: the text of a celMatcher. Out: a Program, or an *Error that says where the text is wrong and what to write instead. A
// Program asks Attributes, which the proxy implements over a request; it may be used by many goroutines, and allocates nothing.
//
//	p, err := cel.Compile(`request.path.startsWith("/v1/") && request.headers["x-env"] == "canary"`)
//	if err != nil { ... } // "1:14: there is no request.url_path: write request.path, which has no query"
//	if p.Match(attributes) { ... }
//
// The language is the documented subset of CEL, in both of Google's spellings: that of the load balancer (source.ip,
// connection.sni, lower, upper) and that of GKE's CRDs (source.address, connection.requested_server_name, lowerAscii,
// upperAscii). What is outside of it is refused, as Google would, because it would not run there. What is frequent is compiled
// to closures; the rest of the subset runs on cel-go, which also parses, checks types, and is the oracle of the tests.
//
// An attribute that a request does not have, such as an absent header, is an error in the sense of CEL: false && error is false,
// true || error is true, and an error that is left over at the end is no match. It never fails a request.
package cel
