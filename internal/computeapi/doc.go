// Package computeapi serves the load balancer model over HTTP as Google's Compute v1 and Network Services v1 APIs do, so that
// Google's own clients can read it.
//
// In: a Source, such as internal/view's, with the published model and the verdicts. Out: an http.Handler with Google's paths,
// below /compute/v1/ and /v1/.
//
//	front := computeapi.New(source)
//	http.Serve(listener, front.Handler(computeapi.ReadOnly))
//
// What a client can change is what no Kubernetes object says: the network endpoint groups that nobody uses any more can be
// deleted, where the handler is made with Writes. There is no authentication, and no other origin's page may ask: the address
// belongs on a loopback.
package computeapi
