// Package registry is a small container registry: enough of the OCI distribution protocol to push images to and to pull them
// from, for `spillway serve`, where an author may push plugins, and for tests.
//
// In: a directory, or none for memory. Out: an http.Handler. It knows no users: serve it on loopback addresses.
//
//	h, err := registry.New(registry.Options{Dir: dir})
//	http.Serve(listener, h)
//
// What is pushed is checked against its digest and bounded, one blob and all together; nothing is ever deleted.
package registry
