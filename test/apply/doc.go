// Apply measures, with a real API server, how long it takes from an HTTPRoute that is created to the first request that it serves.
//
// In: a cluster of a lab with what setup.yaml has applied, and the controller running. Out: the median and the 99th percentile of three times,
// all from just before the create is sent: until it is answered, until a watch of a plain client tells of the route, and until a request is
// answered by it. The second is what the API server takes of the third.
//
//	make bench-apply
package main
