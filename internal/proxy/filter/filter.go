// Package filter edits requests and answers as a route rule asks: header changes, URL rewrites, redirects, CORS.
//
// In: lb messages once, compiled at configuration time; then a message per request. Out: the edited header map, the new
// path, the Location of a redirect, the answer to a preflight. Nothing here reads a clock or a socket, and a filter that
// is not configured is a nil pointer whose methods do nothing and allocate nothing.
//
//	edit, err := filter.CompileHeaderEdit(rule.RequestHeaders)
//	edit.Apply(&request.Header)
package filter
