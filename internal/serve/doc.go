// Package serve is `spillway serve` and `spillway controller`: it joins the parts into one running load balancer.
//
// In: an origin of objects: a directory of manifests, or the API servers of clusters. Out: proxies that listen, one for each location, and
// a control socket.
//
//	files -> manifests -> store -> recompute -> locations (a proxy and a prober each)
//	                        ^  ^       |
//	                        |  |       +-> status writer -> store
//	                        |  standalone: Pods, Nodes, EndpointSlices, sample backends
//	                        +-- facts
//
// Run returns when its context ends and every request in flight is answered.
package serve
