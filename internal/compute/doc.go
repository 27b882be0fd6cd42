// Package compute shows the load balancer model as Google's APIs do: Compute v1 and Network Services v1, on the structs of
// Google's own client libraries, so that no field's name can drift.
//
// In: an lb model. Out: resources of one collection, which marshal to the API's JSON. What the API has no field for stands
// in one member besides, "spillway". It is pure.
//
//	c, _ := compute.Lookup("backend-services")
//	for _, r := range compute.NewView(compute.Model{Model: model, Project: "demo"}).Resources(c) {
//		body, err := json.Marshal(r)
//	}
package compute
