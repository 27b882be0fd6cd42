// Package exchange is the path of a request through the proxy.
//
// In: parsed requests (Engine.Take, Begin, Run), and the current Root of the configuration. Out: answers, access log
// records, metrics and spans. One goroutine runs an exchange from its first byte to its last; another starts only where
// directions overlap: a request body that has not arrived yet is sent while the answer is awaited, and tunnels.
//
// The phases of an exchange, each a method in a file of that name:
//
//	pin             the Root it starts on is the one it ends on
//	admit           what must not be asked on this connection is refused, whoever may change it later
//	routeFilters    extensions that may change authority, path and method, or answer
//	route           URL map -> rule -> weighted backend; preflights and aborts end the way here
//	trafficFilters  extensions on the request as the client sent it, with the backend service chosen
//	prepare         redirects, header edits, rewrites, forwarded headers on a copy of the request: every attempt starts from it
//	mirror          copies of that
//	try             endpoint, connection, send, head of the answer; again as the rule and the budget allow
//	answer          extensions in reverse, then header edits on the answer, then its body as it comes
//	finish          log, metrics, trace
//
// The client's side is a Downstream (package downstream), the backend's an upstream.Stream, found and opened by package call.
package exchange
