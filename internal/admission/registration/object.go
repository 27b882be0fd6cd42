package registration

import (
	"context"
	"fmt"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/spillway-lb/spillway/internal/status"
)

// resource is the client of one kind of object in one cluster.
type resource[T metav1.Object] interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (T, error)
	Create(ctx context.Context, object T, o metav1.CreateOptions) (T, error)
	Update(ctx context.Context, object T, o metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, o metav1.DeleteOptions) error
}

// keep has an object there. next returns what is to be there instead of what is; changed is false if that is as it should be.
func keep[T metav1.Object](ctx context.Context, c resource[T], want T, next func(have, want T) (to T, changed bool)) error {
	have, err := c.Get(ctx, want.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		_, err = c.Create(ctx, want, metav1.CreateOptions{FieldManager: status.FieldManager})
		return err
	}
	if err != nil {
		return err
	}
	install := want.GetAnnotations()[status.InstallAnnotation]
	if !isOf(have, install) {
		return fmt.Errorf("%T %s has no annotation %s: %s; it is left alone, and nothing is asked", want, have.GetName(), status.InstallAnnotation, install)
	}
	to, changed := next(have, want)
	if !changed {
		return nil
	}
	_, err = c.Update(ctx, to, metav1.UpdateOptions{FieldManager: status.FieldManager})
	return err
}

// remove takes an install's object away. Who may not look for it has not made it.
func remove[T metav1.Object](ctx context.Context, c resource[T], install string) error {
	have, err := c.Get(ctx, Name(install), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsForbidden(err):
		return nil
	case err != nil:
		return err
	case !isOf(have, install):
		return nil
	}
	uid := have.GetUID() // not another one of the name
	err = c.Delete(ctx, have.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func isOf(o metav1.Object, install string) bool { return status.OriginOf(o, install) == status.Origin }

func takeMutating(have, want *admissionregistrationv1.MutatingWebhookConfiguration) (*admissionregistrationv1.MutatingWebhookConfiguration, bool) {
	if equality.Semantic.DeepEqual(have.Webhooks, want.Webhooks) {
		return nil, false
	}
	next := have.DeepCopy()
	next.Webhooks = want.Webhooks
	return next, true
}

func takeValidating(have, want *admissionregistrationv1.ValidatingWebhookConfiguration) (*admissionregistrationv1.ValidatingWebhookConfiguration, bool) {
	if equality.Semantic.DeepEqual(have.Webhooks, want.Webhooks) {
		return nil, false
	}
	next := have.DeepCopy()
	next.Webhooks = want.Webhooks
	return next, true
}
