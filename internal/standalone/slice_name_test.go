package standalone

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSlicesOfAServiceHaveNamesOfTheirOwn for more slices than five characters keep apart by themselves.
func TestSlicesOfAServiceHaveNamesOfTheirOwn(t *testing.T) {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "store", Name: "store"}}
	const n = 5000
	names, again := map[string]bool{}, map[string]bool{}
	collided := false
	for i := range n {
		id := "http/80/TCP;#" + strconv.Itoa(i)
		alone := sliceName(service, id, map[string]bool{})
		name := sliceName(service, id, names)
		collided = collided || alone != name
		if sliceName(service, id, again) != name {
			t.Errorf("%s has another name the second time", id)
		}
	}
	if len(names) != n || !collided {
		t.Errorf("%d slices have %d names; some wanted the same: %t", n, len(names), collided)
	}
}
