// Package fleetv1 is what a proxy of the fleet tells its controller (package ads) beside the acknowledgements of delta ADS, and
// the file in which it keeps its last good state.
//
// fleet.proto is the contract; fleet.pb.go is generated (`make generate`).
package fleetv1
