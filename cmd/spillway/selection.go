package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/printer"
)

// selection is which objects a command is about, in kubectl's flags.
type selection struct {
	context       string
	namespace     string
	allNamespaces bool
	selector      string
	fieldSelector string
	showSecrets   bool
}

func (s *selection) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.context, "context", "", "the cluster to look at; the config cluster by default")
	f.StringVarP(&s.namespace, "namespace", "n", "default", "the namespace to look at")
	f.BoolVarP(&s.allNamespaces, "all-namespaces", "A", false, "look at every namespace")
	f.StringVarP(&s.selector, "selector", "l", "", "labels to select by, such as app=store")
	f.StringVar(&s.fieldSelector, "field-selector", "", "fields to select by, such as metadata.name=store")
}

// check tells bad selectors before anything is asked for.
func (s *selection) check(all []wanted) error {
	if _, err := labels.Parse(s.selector); err != nil {
		return err
	}
	if _, err := fields.ParseSelector(s.fieldSelector); err != nil {
		return err
	}
	if (s.selector != "" || s.fieldSelector != "") && len(all[0].names) > 0 {
		return fmt.Errorf("name cannot be provided when a selector is specified")
	}
	return nil
}

// refuseForCollections tells flags that load balancer resources have no use for: they belong to no namespace or cluster.
func (s *selection) refuseForCollections(cmd *cobra.Command) error {
	for _, name := range []string{"namespace", "all-namespaces", "context", "selector", "field-selector", "watch"} {
		if f := cmd.Flags().Lookup(name); f != nil && f.Changed {
			return fmt.Errorf("--%s is for Kubernetes objects; load balancer resources take --filter and the like in `spillway compute`", name)
		}
	}
	return nil
}

// wanted is one kind, or load balancer collection, and the names that were asked for; no names means all.
type wanted struct {
	kind       *printer.Kind
	collection *compute.Collection
	names      []string
}

// parseWanted reads kubectl's forms: KIND, KIND,KIND, KIND NAME..., KIND/NAME ....
func parseWanted(args []string) ([]wanted, error) {
	if strings.Contains(args[0], "/") {
		return parseSlashed(args)
	}
	var all []wanted
	for typed := range strings.SplitSeq(expandAll(args[0]), ",") {
		w, err := lookup(typed)
		if err != nil {
			return nil, err
		}
		w.names = args[1:]
		all = append(all, w)
	}
	return all, nil
}

// expandAll is kubectl's "all".
func expandAll(typed string) string {
	if typed == "all" {
		return "pods,services,deployments,replicasets"
	}
	return typed
}

func parseSlashed(args []string) ([]wanted, error) {
	var all []wanted
	for _, arg := range args {
		typed, name, ok := strings.Cut(arg, "/")
		if !ok || name == "" {
			return nil, fmt.Errorf("there is no need to specify a resource type as a separate argument when passing arguments in " +
				"resource/name form (e.g. 'get resource/<resource_name>' instead of 'get resource resource/<resource_name>'")
		}
		w, err := lookup(typed)
		if err != nil {
			return nil, err
		}
		w.names = []string{name}
		all = append(all, w)
	}
	return all, nil
}

func lookup(typed string) (wanted, error) {
	if c, ok := compute.Lookup(typed); ok {
		return wanted{collection: &c}, nil
	}
	kind, err := printer.Lookup(typed)
	if err != nil {
		var names []string
		for _, c := range compute.Collections() {
			names = append(names, c.Command)
		}
		if near := printer.CloseNames(strings.ToLower(typed), names); len(near) > 0 {
			return wanted{}, &printer.UnknownKindError{Name: typed, Close: near}
		}
		return wanted{}, err
	}
	return wanted{kind: kind}, nil
}

// cluster is the cluster that --context means.
func (s *selection) cluster(info control.Info) (string, error) {
	if s.context == "" {
		return info.ConfigCluster, nil
	}
	known := slices.ContainsFunc(info.Clusters, func(c control.Cluster) bool { return c.Name == s.context })
	if !known {
		return "", fmt.Errorf("context %q does not exist", s.context)
	}
	return s.context, nil
}

// objects asks for what is wanted of a kind. A name that is not there is an error, in kubectl's words.
func (s *selection) objects(ctx context.Context, client *control.Client, cluster string, w wanted) ([]printer.Object, error) {
	query := control.Query{Kind: w.kind.Ref(), Cluster: cluster, Secrets: s.showSecrets}
	if w.kind.Fleet && s.context == "" {
		query.Cluster = ""
	}
	if w.kind.Namespaced && !s.allNamespaces {
		query.Namespace = s.namespace
	}
	if len(w.names) == 0 {
		all, err := fetchObjects(ctx, client, query)
		if err != nil {
			return nil, err
		}
		return s.filter(all)
	}
	if s.allNamespaces {
		return nil, fmt.Errorf("a resource cannot be retrieved by name across all namespaces")
	}
	var found []printer.Object
	for _, name := range w.names {
		query.Name = name
		one, err := fetchObjects(ctx, client, query)
		if err != nil {
			return nil, err
		}
		if len(one) == 0 {
			return found, notFound(w.kind.Resource(), name)
		}
		found = append(found, one...)
	}
	return found, nil
}

// fetchObjects makes the Endpoints, which the server does not have, of its EndpointSlices.
func fetchObjects(ctx context.Context, client *control.Client, query control.Query) ([]printer.Object, error) {
	if query.Kind != kind.Endpoints {
		return client.Objects(ctx, query)
	}
	name := query.Name
	query.Kind, query.Name = kind.EndpointSlice, ""
	endpointSlices, err := client.Objects(ctx, query)
	if err != nil {
		return nil, err
	}
	objects, err := printer.Endpoints(endpointSlices)
	return slices.DeleteFunc(objects, func(o printer.Object) bool { return name != "" && o.GetName() != name }), err
}

func notFound(resource, name string) error {
	return &verbatimError{fmt.Sprintf("Error from server (NotFound): %s %q not found", resource, name)}
}

func (s *selection) filter(objects []printer.Object) ([]printer.Object, error) {
	byLabel, err := labels.Parse(s.selector)
	if err != nil {
		return nil, err
	}
	byField, err := fields.ParseSelector(s.fieldSelector)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(objects, func(o printer.Object) bool {
		return !byLabel.Matches(labels.Set(o.GetLabels())) || !byField.Matches(fieldSet{o})
	}), nil
}

// fieldSet reads any field of an object by its dotted path.
type fieldSet struct{ object printer.Object }

func (f fieldSet) Has(field string) bool { return f.Get(field) != "" }

func (f fieldSet) Get(field string) string {
	value, found, err := unstructured.NestedFieldNoCopy(f.object.Object, strings.Split(field, ".")...)
	if !found || err != nil {
		return ""
	}
	return fmt.Sprint(value)
}

// emptyMessage is kubectl's word for nothing found.
func (s *selection) emptyMessage(all []wanted) string {
	if s.allNamespaces || !slices.ContainsFunc(all, func(w wanted) bool { return w.kind != nil && w.kind.Namespaced }) {
		return "No resources found"
	}
	return fmt.Sprintf("No resources found in %s namespace.", s.namespace)
}
