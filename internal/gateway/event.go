package gateway

import (
	"github.com/spillway-lb/spillway/internal/recompute"
	"github.com/spillway-lb/spillway/internal/store"
)

// EventSource is the controller that GKE's events come from.
func EventSource(multi bool) string {
	if multi {
		return "mc-gateway-controller"
	}
	return "sc-gateway-controller"
}

// eventWrite tells events of an object apart by reason and key.
func eventWrite(ref store.Ref, key string, e recompute.Event) recompute.Write {
	return recompute.Write{Ref: ref, Part: recompute.PartEvent, Key: e.Reason + "/" + key, Value: e}
}
