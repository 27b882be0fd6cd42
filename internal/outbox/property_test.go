package outbox

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/recompute"
)

// TestAnyOrderEndsAsWanted: whatever is wanted, watched, answered, refused and edited by others in whatever order, the API server ends up
// with what is wanted, and then it is silent.
func TestAnyOrderEndsAsWanted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		api := newAPIServer("store")
		api.add("gateways/store/web", gatewayNamed("web"))
		w := newWorld(t, api)
		message, ip := "", "" // what is wanted of the Gateway and of the Service
		steps := map[string]func(*rapid.T){
			"status": func(rt *rapid.T) {
				message = rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "message")
				w.round(want(web, recompute.PartStatus, "", programmed(metav1.ConditionTrue, message)))
			},
			"object": func(rt *rapid.T) {
				ip = rapid.SampledFrom([]string{"", "10.0.0.1", "10.0.0.2"}).Draw(rt, "ip")
				change := want(svc, recompute.PartObject, "", service("derived", ip))
				change.Removed = ip == ""
				w.round(change)
			},
			"watch": func(rt *rapid.T) { w.watch(rapid.IntRange(1, 3).Draw(rt, "events")) },
			"send":  func(*rapid.T) { w.send() },
			"answer": func(rt *rapid.T) {
				if len(w.flying) == 0 {
					return
				}
				code := rapid.SampledFrom([]int32{0, 0, 0, 500, 409, 429}).Draw(rt, "code")
				if code > 0 {
					reason := map[int32]metav1.StatusReason{500: metav1.StatusReasonInternalError, 409: metav1.StatusReasonConflict, 429: metav1.StatusReasonTooManyRequests}
					api.fault = func(*http.Request, string) *metav1.Status { return refuse(code, reason[code], "drawn") }
				}
				w.answer(rapid.IntRange(0, len(w.flying)-1).Draw(rt, "which"))
				api.fault = nil
			},
			"time": func(rt *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 5000).Draw(rt, "ms")) * time.Millisecond)
			},
			"others": func(rt *rapid.T) {
				switch rapid.IntRange(0, 3).Draw(rt, "what") {
				case 0:
					api.deleteBy("services/store/derived")
				case 1:
					api.edit("services/store/derived", func(o map[string]any) { o["spec"].(map[string]any)["ports"] = []any{} })
				case 2:
					api.edit("gateways/store/web", func(o map[string]any) { o["status"] = map[string]any{} })
				case 3:
					api.deleteBy("gateways/store/web")
					api.add("gateways/store/web", gatewayNamed("web"))
				}
			},
		}
		rt.Repeat(steps)
		w.settle()
		if got := at(api.get("gateways/store/web"), "status", "conditions", 0, "message"); message != "" && got != message {
			rt.Fatalf("the Gateway says %v, wanted %s; told %v", got, message, w.told)
		}
		live := api.get("services/store/derived")
		if got, _ := at(live, "spec", "clusterIP").(string); got != ip || ip != "" && len(list(at(live, "spec", "ports"))) != 1 {
			rt.Fatalf("the Service is %v, wanted %q; told %v", live, ip, w.told)
		}
		before := api.countWrites()
		w.now = w.now.Add(time.Hour)
		w.settle()
		if n := api.countWrites(); n != before {
			rt.Fatalf("%d writes when all is as wanted: %v", n-before, fmt.Sprint(api.writes))
		}
	})
}
