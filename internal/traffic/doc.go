// Package traffic splits the requests of a backend service over its groups of endpoints, by proximity and capacity, as
// Google's load balancers do.
//
// In: the groups with their number of endpoints, rate per endpoint, capacity scaler and preference; where requests come
// from, how many (optional), and the round-trip times between regions. Out: lb.v1.Weights, one for each location. There is
// no clock: what takes time (Drainer, Smoother) is told the time.
//
// The nearest region is filled to its target capacity, then the next one, and so on; what exceeds all targets is spread in
// proportion to them. Without demand nothing ever overflows by load: the nearest region gets everything and the others
// stand by in order of distance. Weights assume full health; the proxy applies the health factor at once when a verdict
// changes.
//
//	in := traffic.Input{Backends: backends, Demand: demand, RTT: traffic.DefaultRTT()}
//	w := traffic.Weights("backend-service", traffic.Location{Region: "us-west1"}, in)
package traffic
