// Package balance chooses the endpoint of a request.
//
// In: a backend service with its groups of endpoints, the Weights of this location, and verdicts about endpoints (active
// checks, outliers). Out: one endpoint, or ErrNoHealthyUpstream. The steps are Envoy's: priority by health, locality by
// weight and health, endpoint by locality policy or session affinity.
//
// A Service is one version of a backend service and never changes but for what it learns about health; the state that
// outlives versions (endpoints, counters, health) sits in handles that versions share. Pick takes no lock: it reads a
// snapshot that is rebuilt when health has changed since.
//
//	in := balance.PickInput{Request: req, ClientIP: ip, Now: now}
//	ep, err := service.Pick(&in)
//	ep.Acquire()
//	... one attempt ...
//	ep.Observe(balance.Success, now)
//	ep.Release()
package balance

import "errors"

// ErrNoHealthyUpstream says that no endpoint of the backend service may get the request.
var ErrNoHealthyUpstream = errors.New("no healthy upstream")
