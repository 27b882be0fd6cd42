// Scale measures a controller with a large fleet, without API servers and without requests: simulated clusters fill the real store, the
// real units make the model of them, and it goes by the real protocol of the fleet to simulated proxies, one in each region, which say at
// once that they have it.
//
// In: how much there is of everything. Out: time and memory of a full build, the time from one edit to the last
// acknowledgement, the CPU that endpoints which change cost, and what heartbeats of Nodes cost, which is to be nothing.
//
//	make bench-scale
//	go run ./test/scale -clusters 10 -endpoints 10000 -routes 5000
package main
