package manifests

import (
	"fmt"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/manifests/builtin"
	"github.com/spillway-lb/spillway/internal/store"
)

// publish puts an object into the delta if it differs from what the store has. The object must not be shared.
func (s *step) publish(ref store.Ref, object store.Object, c *claim, generations bool) {
	old := s.published[ref]
	var before store.Object
	if old != nil {
		before = old.object
	}
	stamp(object, ref, before, generations, s.seen(c))
	if old != nil && reflect.DeepEqual(before, object) {
		old.claim = c
		return
	}
	s.published[ref] = &publication{object: object, claim: c}
	s.delta.Upserts = append(s.delta.Upserts, Upsert{Cluster: ref.Cluster, Object: object, Origin: c.origin()})
	if old == nil {
		s.count(ref, 1)
	}
}

func (s *step) unpublish(ref store.Ref) {
	if s.published[ref] == nil {
		return
	}
	delete(s.published, ref)
	s.delta.Deletes = append(s.delta.Deletes, ref)
	s.count(ref, -1)
}

// count keeps the number of objects of a namespace, which exists while there are any.
func (s *step) count(ref store.Ref, by int) {
	if ref.Namespace == "" {
		return
	}
	ns := namespace{cluster: ref.Cluster, name: ref.Namespace}
	s.populated[ns] += by
	if s.populated[ns] == 0 {
		delete(s.populated, ns)
	}
	s.touchedRefs[store.Ref{Cluster: ref.Cluster, Kind: kind.Namespace, Name: ref.Namespace}] = true
}

// inUse says whether a namespace exists without a manifest.
func (l *Loader) inUse(ref store.Ref) bool {
	if ref.Kind != kind.Namespace {
		return false
	}
	return l.populated[namespace{cluster: ref.Cluster, name: ref.Name}] > 0 || ref.Name == metav1.NamespaceDefault && l.layout.has(ref.Cluster)
}

func implicitNamespace(name string) *corev1.Namespace {
	n := &corev1.Namespace{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: kind.Namespace},
		ObjectMeta: metav1.ObjectMeta{Name: name},
	}
	builtin.Default(n)
	return n
}

// seen is when the claim's file was last changed.
func (s *step) seen(c *claim) time.Time {
	if c == nil {
		return s.now
	}
	return c.file.modTime
}

func (c *claim) origin() string {
	if c == nil {
		return "implicit"
	}
	return fmt.Sprintf("%s:%d", c.file.path, c.manifest.position.Line)
}
