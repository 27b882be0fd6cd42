// Package outage says why requests to a Service get 503 because nobody answers for it, and when an operator has to hear of
// it.
//
// In: a snapshot of the objects, and the backends that are in use with how many of their endpoints are healthy (package
// view has them). Out: reasons in words, from labels that no Pod has to the last error of a probe; and from Watch, which has
// no clock, what is new and what has mended.
//
//	if reason, silent := outage.Why(snapshot, service, 80); silent { fmt.Println(reason.Text) }
//	worse, better, again := watch.Step(now, backends)
package outage
