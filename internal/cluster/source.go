package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	manifests "github.com/spillway-lb/spillway/internal/manifests/schema"
	"github.com/spillway-lb/spillway/internal/store"
)

// Requests to one server: enough to list every kind at once, and never a storm.
const (
	clientQPS   = 50
	clientBurst = 100
)

// source lists and watches one kind of a server.
type source struct {
	client   rest.Interface
	resource string
	selector string
	gvk      schema.GroupVersionKind
	// opened and refused are told how requests end.
	opened  func()
	refused func(error)
}

// newClient makes the client of a group and version.
func newClient(config *rest.Config, client *http.Client, codecs runtime.NegotiatedSerializer, gv schema.GroupVersion) (rest.Interface, error) {
	c := rest.CopyConfig(config)
	c.GroupVersion, c.NegotiatedSerializer = &gv, codecs
	c.APIPath = "/apis"
	if gv.Group == "" {
		c.APIPath = "/api"
	}
	c.QPS, c.Burst = clientQPS, clientBurst
	return rest.RESTClientForConfigAndClient(c, client)
}

func (s *source) listWatch() *cache.ListWatch {
	return &cache.ListWatch{ListWithContextFunc: s.list, WatchFuncWithContext: s.watch}
}

func (s *source) request(options *metav1.ListOptions) *rest.Request {
	options.FieldSelector = s.selector
	return s.client.Get().Resource(s.resource).VersionedParams(options, metav1.ParameterCodec)
}

func (s *source) list(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
	body, err := s.request(&options).Stream(ctx)
	if err != nil {
		s.refused(err)
		return nil, err
	}
	defer body.Close()
	list, err := decodeList(body, s.gvk)
	if err != nil {
		s.refused(err)
		return nil, err
	}
	return list, nil
}

func (s *source) watch(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
	options.Watch = true
	w, err := s.request(&options).Watch(ctx)
	if err != nil {
		s.refused(err)
		return nil, err
	}
	s.opened()
	return watch.Filter(w, func(e watch.Event) (watch.Event, bool) {
		if err := apierrors.FromObject(e.Object); e.Type == watch.Error && !apierrors.IsResourceExpired(err) && !apierrors.IsGone(err) {
			s.refused(err)
		}
		if o, ok := e.Object.(store.Object); ok {
			o.GetObjectKind().SetGroupVersionKind(s.gvk)
		}
		return e, true
	}), nil
}

// decodeList reads a list object by object, so that no more of it than one object is there whole.
func decodeList(body io.Reader, gvk schema.GroupVersionKind) (*internalversion.List, error) {
	list := &internalversion.List{}
	d := json.NewDecoder(body)
	err := eachField(d, func(name string) error {
		switch name {
		case "metadata":
			return d.Decode(&list.ListMeta)
		case "items":
			return decodeItems(d, gvk, list)
		}
		var other json.RawMessage
		return d.Decode(&other)
	})
	if err != nil {
		return nil, fmt.Errorf("the list of %s cannot be read: %w", gvk.Kind, err)
	}
	return list, nil
}

func eachField(d *json.Decoder, f func(name string) error) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("it is no object: %v, %w", t, err)
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string) // the decoder takes nothing else
		if err := f(name); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func decodeItems(d *json.Decoder, gvk schema.GroupVersionKind, list *internalversion.List) error {
	t, err := d.Token()
	if err != nil || t == nil { // null
		return err
	}
	if t != json.Delim('[') {
		return fmt.Errorf("items is no list: %v", t)
	}
	for d.More() {
		o, ok := manifests.New(gvk.GroupVersion().String(), gvk.Kind)
		if !ok {
			return fmt.Errorf("unknown kind %s", gvk)
		}
		if err := d.Decode(o); err != nil {
			return err
		}
		o.GetObjectKind().SetGroupVersionKind(gvk)
		slim(o)
		list.Items = append(list.Items, o)
	}
	_, err = d.Token()
	return err
}
