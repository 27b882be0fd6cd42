package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"

	spillwayv1alpha1 "github.com/spillway-lb/spillway/api/spillway/v1alpha1"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/store"
)

// configurations is where images are mapped.
var configurations = schema.GroupVersionResource{
	Group: spillwayv1alpha1.SchemeGroupVersion.Group, Version: spillwayv1alpha1.SchemeGroupVersion.Version, Resource: "configurations",
}

// watch follows what a kubelet reads: the Pods that are bound, the Nodes, and what containers refer to.
func (m *member) watch(ctx context.Context, wg *sync.WaitGroup) {
	client := m.core.RESTClient()
	bound := fields.ParseSelectorOrDie("spec.nodeName!=")
	for _, w := range []struct {
		resource string
		of       runtime.Object
		kind     string
		selector fields.Selector
	}{
		{"pods", &corev1.Pod{}, kind.Pod, bound},
		{"nodes", &corev1.Node{}, kind.Node, fields.Everything()},
		{"configmaps", &corev1.ConfigMap{}, kind.ConfigMap, fields.Everything()},
		{"secrets", &corev1.Secret{}, kind.Secret, fields.Everything()},
	} {
		list := cache.NewListWatchFromClient(client, w.resource, metav1.NamespaceAll, w.selector)
		m.reflect(ctx, wg, list, w.of, corev1.SchemeGroupVersion.WithKind(w.kind), nil)
	}
	dynamicClient, err := dynamic.NewForConfig(m.Config)
	if err != nil {
		m.logger.Error("no client for Configurations", "error", err)
		return
	}
	resource := dynamicClient.Resource(configurations)
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) { return resource.List(ctx, o) },
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return resource.Watch(ctx, o)
		},
	}
	m.reflect(ctx, wg, list, &unstructured.Unstructured{}, spillwayv1alpha1.SchemeGroupVersion.WithKind("Configuration"), configuration)
}

// configuration makes a typed object of what a dynamic client returns.
func configuration(o any) (store.Object, error) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%T is no Configuration", o)
	}
	typed := &spillwayv1alpha1.Configuration{}
	return typed, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, typed)
}

func (m *member) reflect(
	ctx context.Context, wg *sync.WaitGroup, list cache.ListerWatcher, of runtime.Object, gvk schema.GroupVersionKind,
	convert func(any) (store.Object, error),
) {
	into := &sink{store: m.store, cluster: m.Plan.Name, gvk: gvk, convert: convert, logger: m.logger}
	reflector := cache.NewReflectorWithOptions(list, of, into, cache.ReflectorOptions{Name: m.Plan.Name + " " + gvk.Kind})
	wg.Go(func() { reflector.RunWithContext(ctx) })
}

// sink is a reflector's store: it puts objects of one kind and cluster into the store of all.
type sink struct {
	store   *store.Store
	cluster string
	gvk     schema.GroupVersionKind
	convert func(any) (store.Object, error)
	logger  *slog.Logger
}

// origin of what an API server says.
const origin = "cluster"

func (s *sink) object(o any) (store.Object, error) {
	if s.convert != nil {
		made, err := s.convert(o)
		if err != nil {
			return nil, err
		}
		o = made
	}
	object, ok := o.(store.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no object", o)
	}
	object.GetObjectKind().SetGroupVersionKind(s.gvk)
	object.SetManagedFields(nil)
	return object, nil
}

// Add takes a new object in.
func (s *sink) Add(o any) error { return s.Update(o) }

// Update takes an object in.
func (s *sink) Update(o any) error {
	object, err := s.object(o)
	if err != nil {
		return err
	}
	s.store.Commit(func(tx *store.Tx) { tx.Put(s.cluster, object, origin) })
	return nil
}

// Delete lets an object go.
func (s *sink) Delete(o any) error {
	object, err := s.object(o)
	if err != nil {
		return err
	}
	s.store.Commit(func(tx *store.Tx) { tx.Delete(store.RefTo(s.cluster, object)) })
	return nil
}

// Replace takes a whole list in; what is not in it is gone.
func (s *sink) Replace(list []any, _ string) error {
	listed := map[store.Ref]store.Object{}
	for _, o := range list {
		object, err := s.object(o)
		if err != nil {
			return err
		}
		listed[store.RefTo(s.cluster, object)] = object
	}
	s.store.Commit(func(tx *store.Tx) {
		var gone []store.Ref
		tx.Walk(kind.Join(s.gvk.Kind, s.gvk.Group), s.cluster, "", func(e *store.Entry) bool {
			if listed[e.Ref] == nil {
				gone = append(gone, e.Ref)
			}
			return true
		})
		for _, ref := range gone {
			tx.Delete(ref)
		}
		for _, object := range listed {
			tx.Put(s.cluster, object, origin)
		}
	})
	return nil
}

// Resync has nothing to do.
func (s *sink) Resync() error { return nil }
