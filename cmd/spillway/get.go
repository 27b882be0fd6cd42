package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/kind"
	"github.com/spillway-lb/spillway/internal/printer"
)

const getLong = `Print objects as kubectl does, with what Spillway derived from them and wrote to them.

KIND is a kind's plural, singular or short name, with or without its group: gateways, gtw,
gateways.gateway.networking.k8s.io, svc, serviceexports.net.gke.io. Several are joined with commas. Load balancer
resources go by gcloud's names: addresses, forwarding-rules, target-http-proxies, target-https-proxies, url-maps,
backend-services, network-endpoint-groups, health-checks, ssl-certificates.`

const getExample = `  spillway get gateways -n store
  spillway get gateways external-http -n store -o jsonpath='{.status.addresses[0].value}'
  spillway get serviceimports --context gke-east-1 -n store
  spillway get pods -A -o wide
  spillway get backend-services`

// getOptions are kubectl get's flags.
type getOptions struct {
	selection
	output     string
	noHeaders  bool
	showLabels bool
	watch      bool
}

func newGetCommand(c *connection) *cobra.Command {
	var o getOptions
	cmd := &cobra.Command{
		Use: "get KIND [NAME...]", Short: "Print objects as kubectl and gcloud do", Long: getLong, Example: getExample,
		Args: someKind(getNeedsKind), ValidArgsFunction: completeKinds,
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, c, args) },
	}
	o.addFlags(cmd)
	f := cmd.Flags()
	f.StringVarP(&o.output, "output", "o", "", "wide, json, yaml, name, jsonpath=..., custom-columns=..., go-template=...")
	f.BoolVar(&o.noHeaders, "no-headers", false, "leave out the heading of tables")
	f.BoolVar(&o.showLabels, "show-labels", false, "add a column with labels")
	f.BoolVarP(&o.watch, "watch", "w", false, "go on and print what changes")
	f.BoolVar(&o.showSecrets, "show-secrets", false, "print the values of Secrets, which are left out otherwise")
	return cmd
}

func (o *getOptions) run(cmd *cobra.Command, c *connection, args []string) error {
	output, err := printer.ParseOutput(o.output)
	if err != nil {
		return err
	}
	all, err := parseWanted(args)
	if err != nil {
		return err
	}
	if err := o.check(all); err != nil {
		return err
	}
	client, info, err := c.connect(cmd.Context())
	if err != nil {
		return err
	}
	if all[0].collection != nil {
		if err := o.refuseForCollections(cmd); err != nil {
			return err
		}
		return getCollections(cmd, computeOf(client, info.Project()), all, output, o.noHeaders)
	}
	if slices.ContainsFunc(all, func(w wanted) bool { return w.kind != nil && w.kind.Ref() == kind.Endpoints }) {
		fmt.Fprintln(cmd.ErrOrStderr(), printer.EndpointsWarning)
	}
	cluster, err := o.cluster(info)
	if err != nil {
		return err
	}
	if o.watch {
		return o.watchObjects(cmd.Context(), cmd.OutOrStdout(), client, cluster, all, output)
	}
	lists, missing := o.lists(cmd.Context(), client, cluster, all, output.Format == printer.FormatWide)
	if err := o.print(cmd, lists, output, all); err != nil {
		return err
	}
	return missing
}

// lists asks for everything wanted, for a wide table with what is not in order; a missing name is reported after what was found, as kubectl does.
func (o *getOptions) lists(
	ctx context.Context, client *control.Client, cluster string, all []wanted, wide bool,
) ([]printer.List, error) {
	var lists []printer.List
	var missing error
	for _, w := range all {
		if w.kind == nil {
			return nil, fmt.Errorf("load balancer resources and Kubernetes objects cannot be asked for together")
		}
		objects, err := o.objects(ctx, client, cluster, w)
		if err != nil && missing == nil {
			missing = err
		}
		list := printer.List{Kind: w.kind, Objects: objects}
		if wide {
			if list.Problems, err = problems(ctx, client, control.Query{Kind: w.kind.Ref(), Cluster: cluster}); err != nil {
				return nil, err
			}
		}
		lists = append(lists, list)
	}
	return lists, missing
}

// problems are what is not in order about objects and no condition says, by NAMESPACE/NAME.
func problems(ctx context.Context, client *control.Client, q control.Query) (map[string][]string, error) {
	all, err := client.Troubles(ctx, q)
	found := make(map[string][]string, len(all))
	for _, t := range all {
		key := t.Namespace + "/" + t.Name
		found[key] = append(found[key], t.Texts...)
	}
	return found, err
}

func (o *getOptions) print(cmd *cobra.Command, lists []printer.List, output printer.Output, all []wanted) error {
	found := 0
	for _, l := range lists {
		found += len(l.Objects)
	}
	named := len(all[0].names) > 0
	if !output.IsTable() {
		if found == 0 && named {
			return nil
		}
		return output.Print(cmd.OutOrStdout(), lists, found == 1 && named)
	}
	if found == 0 {
		if !named {
			fmt.Fprintln(cmd.ErrOrStderr(), o.emptyMessage(all))
		}
		return nil
	}
	return printer.Table(cmd.OutOrStdout(), lists, o.table(output, len(lists) > 1))
}

func (o *getOptions) table(output printer.Output, severalKinds bool) printer.TableOptions {
	return printer.TableOptions{
		Now: time.Now(), Wide: output.Format == printer.FormatWide, WithNamespace: o.allNamespaces,
		NoHeaders: o.noHeaders, ShowLabels: o.showLabels, WithKind: severalKinds,
	}
}
