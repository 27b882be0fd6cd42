package owner_test

import (
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/owner"
	"github.com/spillway-lb/spillway/internal/store"
)

func TestOwnersAreReadBack(t *testing.T) {
	want := store.Ref{Cluster: "west", Kind: "Gateway.gateway.networking.k8s.io", Namespace: "store", Name: "web"}
	if got, ok := owner.Ref(owner.Of(want)); !ok || got != want {
		t.Errorf("%v, %v; want %v", got, ok, want)
	}
	if got, ok := owner.Ref(nil); ok {
		t.Errorf("nobody is %v", got)
	}
}

// TestOfResourceKnowsEveryKind sets the owner of each kind of body that has one.
func TestOfResourceKnowsEveryKind(t *testing.T) {
	bodies := (&lbv1.Resource{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range bodies.Len() {
		body := bodies.Get(i)
		field := body.Message().Fields().ByName("owner")
		if field == nil {
			continue
		}
		r := &lbv1.Resource{}
		message := r.ProtoReflect().Mutable(body).Message()
		message.Set(field, protoreflect.ValueOfMessage((&lbv1.Owner{Name: "x"}).ProtoReflect()))
		if owner.OfResource(r).GetName() != "x" {
			t.Errorf("the owner of a %s is not found", body.Name())
		}
	}
}
