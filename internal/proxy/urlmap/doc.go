// Package urlmap finds the route rule of a request.
//
// In: compiled rules, each with its listener host, host, match and precedence, and a request. Out: the rule that applies,
// or none, in which case the URL map's default service answers. The choice has three steps: the most specific listener
// host that the request's host matches, the most specific host among that listener's rules, and of that host's rules that
// match, the one with the smallest precedence. There is no fall-through from one step to the one before.
//
// A Map never changes: an Edit collects changes and makes the next one, at a cost proportional to the changes. Match takes
// no lock and allocates nothing, and its cost hardly depends on the number of rules: paths are looked up in radix trees,
// and rules that differ by an exact header or query parameter only are looked up by that value.
//
//	edit := urlmap.New().Edit()
//	edit.SetListeners([]string{"*"})
//	edit.Put(rule)
//	m := edit.Commit()
//	rule := m.Match(request) // nil: the default service
package urlmap
