package ingress

import "github.com/spillway-lb/spillway/internal/ingress/object"

// problem is why an Ingress, or a part of it, is not served as it is written.
type problem = object.Problem

// syncFailed is what ingress-gce puts before what its load balancer routine says.
const syncFailed = "Error syncing to GCP: error running load balancer syncing routine: "
