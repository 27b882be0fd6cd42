package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/printer"
)

const describeExample = `  spillway describe gateways.gateway.networking.k8s.io external-http --context gke-west-1 --namespace store
  spillway describe pods -n store
  spillway describe backend-services`

func newDescribeCommand(c *connection) *cobra.Command {
	var s selection
	cmd := &cobra.Command{
		Use: "describe KIND [NAME...]", Short: "Print objects in full, with their events", Example: describeExample,
		Long: "Print objects in full, with their events, as kubectl does. A name may be the beginning of one.\n\n" +
			"Load balancer resources print as `gcloud compute ... describe` has them.",
		Args: someKind(describeNeedsKind), ValidArgsFunction: completeKinds,
		RunE: func(cmd *cobra.Command, args []string) error { return s.describe(cmd, c, args) },
	}
	s.addFlags(cmd)
	return cmd
}

func (s *selection) describe(cmd *cobra.Command, c *connection, args []string) error {
	all, err := parseWanted(args)
	if err != nil {
		return err
	}
	if err := s.check(all); err != nil {
		return err
	}
	client, info, err := c.connect(cmd.Context())
	if err != nil {
		return err
	}
	if all[0].collection != nil {
		if err := s.refuseForCollections(cmd); err != nil {
			return err
		}
		return getCollections(cmd, computeOf(client, info.Project()), all, printer.Output{Format: printer.FormatYAML}, false)
	}
	cluster, err := s.cluster(info)
	if err != nil {
		return err
	}
	first := true
	for _, w := range all {
		objects, err := s.describable(cmd.Context(), client, cluster, w)
		if err != nil {
			return err
		}
		for _, object := range objects {
			if !first {
				fmt.Fprint(cmd.OutOrStdout(), "\n\n")
			}
			first = false
			related, err := relatedTo(cmd.Context(), client, cluster, w.kind, object)
			if err != nil {
				return err
			}
			if err := printer.Describe(cmd.OutOrStdout(), w.kind, object, related); err != nil {
				return err
			}
		}
	}
	if first {
		fmt.Fprintln(cmd.ErrOrStderr(), s.emptyMessage(all))
	}
	return nil
}

// describable finds objects by name, or else by the beginning of it.
func (s *selection) describable(
	ctx context.Context, client *control.Client, cluster string, w wanted,
) ([]printer.Object, error) {
	if w.kind == nil {
		return nil, fmt.Errorf("load balancer resources and Kubernetes objects cannot be asked for together")
	}
	s.showSecrets = true // of which the sizes are printed
	objects, err := s.objects(ctx, client, cluster, w)
	if err == nil || len(w.names) != 1 {
		return objects, err
	}
	all, listErr := s.objects(ctx, client, cluster, wanted{kind: w.kind})
	if listErr != nil {
		return nil, err
	}
	for _, object := range all {
		if strings.HasPrefix(object.GetName(), w.names[0]) {
			objects = append(objects, object)
		}
	}
	if len(objects) > 0 {
		return objects, nil
	}
	return nil, err
}

// relatedTo asks for the objects that a description needs.
func relatedTo(
	ctx context.Context, client *control.Client, cluster string, k *printer.Kind, object printer.Object,
) (printer.Related, error) {
	related := printer.Related{Now: time.Now()}
	pick := func(kindRef, namespace string, fits func(printer.Object) bool) ([]printer.Object, error) {
		all, err := client.Objects(ctx, control.Query{Kind: kindRef, Cluster: cluster, Namespace: namespace})
		var out []printer.Object
		for _, o := range all {
			if fits(o) {
				out = append(out, o)
			}
		}
		return out, err
	}
	found, err := problems(ctx, client, control.Query{
		Kind: k.Ref(), Cluster: cluster, Namespace: object.GetNamespace(), Name: object.GetName(),
	})
	if err != nil {
		return related, err
	}
	related.Problems = found[object.GetNamespace()+"/"+object.GetName()]
	related.Events, err = pick(kind.Event, object.GetNamespace(), func(o printer.Object) bool {
		f := fieldSet{o}
		return f.Get("involvedObject.kind") == k.Name && f.Get("involvedObject.name") == object.GetName() &&
			f.Get("involvedObject.namespace") == object.GetNamespace() && isUID(object, f.Get("involvedObject.uid"))
	})
	if err != nil {
		return related, err
	}
	switch k.Ref() {
	case kind.Service:
		related.EndpointSlices, err = pick(kind.EndpointSlice, object.GetNamespace(), func(o printer.Object) bool {
			return o.GetLabels()["kubernetes.io/service-name"] == object.GetName()
		})
	case kind.Ingress:
		any := func(printer.Object) bool { return true }
		if related.Services, err = pick(kind.Service, object.GetNamespace(), any); err == nil {
			related.EndpointSlices, err = pick(kind.EndpointSlice, object.GetNamespace(), any)
		}
	case kind.Deployment:
		related.ReplicaSets, err = pick(kind.ReplicaSet, object.GetNamespace(), func(o printer.Object) bool {
			owners := o.GetOwnerReferences()
			return len(owners) > 0 && owners[0].Kind == k.Name && owners[0].Name == object.GetName()
		})
	case kind.ReplicaSet, kind.StatefulSet, kind.DaemonSet:
		related.Pods, err = pick(kind.Pod, object.GetNamespace(), func(o printer.Object) bool {
			owners := o.GetOwnerReferences()
			return len(owners) > 0 && owners[0].Kind == k.Name && owners[0].Name == object.GetName()
		})
	case kind.Node:
		related.Pods, err = pick(kind.Pod, "", func(o printer.Object) bool {
			return fieldSet{o}.Get("spec.nodeName") == object.GetName()
		})
	}
	return related, err
}

// isUID says whether an event that names a UID may be about an object, as kubectl has it: events of Nodes have the name there.
func isUID(object printer.Object, uid string) bool {
	return uid == "" || uid == string(object.GetUID()) || uid == object.GetName()
}
