package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/status"
	"github.com/spillway-lb/spillway/internal/store"
)

// client sends requests.
type client struct {
	clients func(string) (dynamic.Interface, bool)
	kinds   map[string]kind.Kind
}

func newClient(clients func(string) (dynamic.Interface, bool)) *client {
	c := &client{clients: clients, kinds: map[string]kind.Kind{}}
	for _, k := range kind.All() {
		c.kinds[k.Ref()] = k
	}
	return c
}

// do sends one request and classifies its answer.
func (c *client) do(ctx context.Context, op *Op) Result {
	to, ok := c.clients(op.Ref.Cluster)
	if !ok {
		return Result{Class: Unreachable, Text: "there is no client for cluster " + op.Ref.Cluster}
	}
	k, ok := c.kinds[op.Ref.Kind]
	if !ok {
		return Result{Class: Failed, Text: "no such kind"}
	}
	version := op.Object.GetObjectKind().GroupVersionKind().Version
	all := to.Resource(schema.GroupVersionResource{Group: k.Group, Version: version, Resource: k.Plural})
	at := dynamic.ResourceInterface(all)
	if k.Namespaced {
		at = all.Namespace(op.Ref.Namespace)
	}
	answer, err := send(ctx, at, op)
	if err != nil {
		return classify(op, err)
	}
	if answer == nil {
		return Result{}
	}
	object, err := typed(answer, op.Object)
	if err != nil {
		return Result{Class: OK, Text: err.Error()}
	}
	return Result{Object: object}
}

func send(ctx context.Context, at dynamic.ResourceInterface, op *Op) (*unstructured.Unstructured, error) {
	switch op.Verb {
	case Read:
		return at.Get(ctx, op.Ref.Name, metav1.GetOptions{})
	case Delete:
		background := metav1.DeletePropagationBackground
		return nil, at.Delete(ctx, op.Ref.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &op.UID}, PropagationPolicy: &background,
		})
	case Patch:
		return at.Patch(ctx, op.Ref.Name, op.Type, op.Body, metav1.PatchOptions{FieldManager: status.FieldManager})
	case PatchStatus:
		return at.Patch(ctx, op.Ref.Name, op.Type, op.Body, metav1.PatchOptions{FieldManager: status.FieldManager}, "status")
	}
	body, err := untyped(op.Object)
	if err != nil {
		return nil, err
	}
	if op.Verb == Create {
		return at.Create(ctx, body, metav1.CreateOptions{FieldManager: status.FieldManager})
	}
	return at.Update(ctx, body, metav1.UpdateOptions{FieldManager: status.FieldManager})
}

func untyped(o store.Object) (*unstructured.Unstructured, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		return nil, err
	}
	if meta, ok := fields["metadata"].(map[string]any); ok {
		maps.DeleteFunc(meta, func(key string, v any) bool { return key == "creationTimestamp" || v == nil })
	}
	return &unstructured.Unstructured{Object: fields}, nil
}

// typed is an answer in the Go type of another object.
func typed(answer *unstructured.Unstructured, like store.Object) (store.Object, error) {
	o, ok := reflect.New(reflect.TypeOf(like).Elem()).Interface().(store.Object)
	if !ok {
		return nil, fmt.Errorf("%T is no object", like)
	}
	answer.SetManagedFields(nil)
	err := runtime.DefaultUnstructuredConverter.FromUnstructured(answer.Object, o)
	return o, err
}

// classify tells what an error means.
func classify(op *Op, err error) Result {
	r := Result{Class: Failed, Text: err.Error()}
	var said apierrors.APIStatus
	if !errors.As(err, &said) {
		r.Class = Unreachable
		return r
	}
	if seconds, ok := apierrors.SuggestsClientDelay(err); ok {
		r.After = time.Duration(seconds) * time.Second
	}
	switch {
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		r.Class = NoNamespace
	case apierrors.IsNotFound(err):
		r.Class = missing(op, said.Status())
	case apierrors.IsAlreadyExists(err):
		r.Class = Exists
	case apierrors.IsConflict(err):
		r.Class = Conflict
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err), apierrors.IsMethodNotSupported(err),
		said.Status().Code == http.StatusUnsupportedMediaType:
		r.Class = Invalid
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		r.Class = Forbidden
	case apierrors.IsTooManyRequests(err), apierrors.IsServerTimeout(err), apierrors.IsServiceUnavailable(err), apierrors.IsTimeout(err):
		r.Class = Busy
	}
	return r
}

// missing tells what was not found: the object, its Namespace, or the kind.
func missing(op *Op, said metav1.Status) Class {
	switch {
	case said.Details == nil || said.Details.Name == "":
		return Unserved
	case said.Details.Kind == "namespaces" && op.Ref.Kind != kind.Namespace:
		return NoNamespace
	}
	return Gone
}
