// Package conformance runs the Gateway API's conformance suite, unmodified, against `spillway serve`: no Kubernetes, but the
// real translation, the real proxies and the real statuses.
//
//	suite -> front (the part of a Kubernetes API that the suite speaks) -> files in a directory -> spillway serve
//	suite <- front                                                      <- control socket       <-
//	suite -> the Gateways' addresses -> proxies -> sample Pods
//
// In: a spillway binary. Out: the suite's results, and its official report.
//
//	make conformance
//
// With -context, the same suite as a client of a real API server, which a controller watches (lab.sh starts a lab of its own):
//
//	make conformance-lab
//
// It is a module of its own, so that nothing of what the suite needs comes near the product.
package conformance
