package extension

import (
	"fmt"

	networkingv1 "github.com/spillway-lb/spillway/api/networking/v1"
)

// ProfileAnnotation of a GCPWasmPlugin says what of proxy-wasm its versions may use.
const ProfileAnnotation = "spillway.dev/wasm-profile"

// Values of ProfileAnnotation.
const (
	profileGCP  = "gcp"
	profileFull = "full"
)

// wantsFull reads the annotation. What it does not know is a problem: the plugin may count on more than it would get.
func wantsFull(p *networkingv1.GCPWasmPlugin) (full bool, wrong *problem) {
	switch v, set := p.Annotations[ProfileAnnotation]; {
	case (!set || v == profileGCP) && len(p.Spec.Upstreams) > 0:
		return false, &problem{Reason: reasonInvalidPlugin, Message: fmt.Sprintf("spec.upstreams: a plugin that calls out takes the annotation %s: %s", ProfileAnnotation, profileFull)}
	case !set, v == profileGCP:
		return false, nil
	case v == profileFull:
		return true, nil
	default:
		return false, &problem{Reason: reasonInvalidPlugin, Message: fmt.Sprintf("annotation %s: %q is neither %s nor %s", ProfileAnnotation, v, profileGCP, profileFull)}
	}
}
