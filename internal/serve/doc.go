// Package serve is `spillway serve`: it joins the parts into one running load balancer.
//
// In: a directory of manifests. Out: proxies that listen, one for each location, and a control socket.
//
//	files -> manifests -> store -> recompute -> locations (a proxy and a prober each)
//	                        ^  ^       |
//	                        |  |       +-> status writer -> store
//	                        |  standalone: Pods, Nodes, EndpointSlices, sample backends
//	                        +-- facts
//
// Run returns when its context ends and every request in flight is answered.
package serve
