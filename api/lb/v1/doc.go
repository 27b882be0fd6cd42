// Package lbv1 is the load balancer model: the contract between the control plane and every data plane. See lb.proto.
//
// In: nothing; out: types. `spillway translate` prints a Model, `spillway proxy --config` serves one.
package lbv1
