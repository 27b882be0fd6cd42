package main

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/gcloud"
)

// scope holds gcloud's location flags.
type scope struct {
	global         bool
	regions, zones []string
}

func (s *scope) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.global, "global", false, "global resources only")
	f.StringSliceVar(&s.regions, "region", nil, "resources of this region only")
	f.StringSliceVar(&s.zones, "zone", nil, "resources of this zone only")
}

// addListFlags adds the flags that gcloud has for several locations.
func (s *scope) addListFlags(cmd *cobra.Command) {
	s.addFlags(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&s.regions, "regions", nil, "resources of these regions only")
	f.StringSliceVar(&s.zones, "zones", nil, "resources of these zones only")
}

// holds says whether a resource is in the scope.
func (s *scope) holds(r compute.Resource) bool {
	if !s.global && len(s.regions) == 0 && len(s.zones) == 0 {
		return true
	}
	region, _ := r.Fields["region"].(string)
	zone, _ := r.Fields["zone"].(string)
	return (s.global && region == "" && zone == "") ||
		slices.Contains(s.regions, path.Base(region)) || slices.Contains(s.zones, path.Base(zone))
}

// addQueryFlags adds gcloud's flags that select, order and format lists.
func addQueryFlags(cmd *cobra.Command, flags *gcloud.Flags) {
	f := cmd.Flags()
	f.StringVar(&flags.Filter, "filter", "", "resources that fit only, such as name~^web, size>1, name:a* AND NOT zone:us-west1-a")
	f.StringVar(&flags.SortBy, "sort-by", "", "fields to sort by, separated by commas; ~ before one reverses it")
	f.IntVar(&flags.Limit, "limit", 0, "how many to list at most")
	f.BoolVar(&flags.URI, "uri", false, "print URIs only")
	addFormatFlag(cmd, flags)
}

func addFormatFlag(cmd *cobra.Command, flags *gcloud.Flags) {
	cmd.Flags().StringVar(&flags.Format, "format", "",
		"json, yaml, table, none, or one of value, get, csv, table, json and yaml with fields, such as value(name,zone.basename())")
}

// parseQuery reads the flags of a command; a limit that was typed has to be one.
func parseQuery(cmd *cobra.Command, flags gcloud.Flags) (*gcloud.Query, error) {
	if flags.Limit == 0 && cmd.Flags().Changed("limit") {
		flags.Limit = -1
	}
	return gcloud.Parse(flags)
}

const computeLong = `Load balancer resources in gcloud's words, with gcloud's tables and the fields of the Compute API.

Every collection has list, with --filter, --sort-by, --limit, --uri and --format, and describe. Locations are chosen with
--global, --regions and --zones.`

func newComputeCommand(c *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use: "compute COLLECTION COMMAND", Short: "Load balancer resources in gcloud's words", Long: computeLong,
		Example: "  spillway compute backend-services list\n" +
			"  spillway compute url-maps describe NAME\n" +
			"  spillway compute network-endpoint-groups list --filter 'name~store' --format 'value(name,zone.basename())'",
	}
	takesCommands(cmd)
	addCollections(cmd, c, compute.Collections())
	return cmd
}

// newNetworkServicesCommand has the collections that gcloud has in a group of their own.
func newNetworkServicesCommand(c *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use: "network-services COLLECTION COMMAND", Aliases: []string{"service-extensions"}, Short: "Extensions and plugins in gcloud's words",
		Long: `Extensions and Wasm plugins of the model in gcloud's words, as in its groups service-extensions and network-services, with the fields
of the Network Services API.`,
		Example: "  spillway network-services lb-route-extensions list\n" +
			"  spillway service-extensions wasm-plugins describe NAME",
	}
	takesCommands(cmd)
	addCollections(cmd, c, compute.ExtensionCollections())
	return cmd
}

func addCollections(cmd *cobra.Command, c *connection, collections []compute.Collection) {
	for _, collection := range collections {
		group := &cobra.Command{
			Use: collection.Name + " COMMAND", Short: "The " + strings.ReplaceAll(collection.Name, "-", " ") + " of the model",
		}
		takesCommands(group)
		group.AddCommand(newListCommand(c, collection), newDescribeResourceCommand(c, collection))
		switch collection.Name {
		case "backend-services":
			group.AddCommand(newComputeGetHealthCommand(c))
		case "network-endpoint-groups":
			group.AddCommand(newListEndpointsCommand(c))
		}
		cmd.AddCommand(group)
	}
}

// takesCommands makes a command that only groups others print its help, and refuse what is none of them, whatever flags
// follow.
func takesCommands(cmd *cobra.Command) {
	cmd.FParseErrWhitelist.UnknownFlags = true
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		text := fmt.Sprintf("unknown command %q for %q", args[0], cmd.CommandPath())
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += "; did you mean " + strings.Join(near, ", ") + "?"
		}
		return fmt.Errorf("%s\nSee '%s --help' for usage", text, cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

func newListCommand(c *connection, collection compute.Collection) *cobra.Command {
	var s scope
	var flags gcloud.Flags
	cmd := &cobra.Command{
		Use: "list", Short: "List " + collection.Name, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := parseQuery(cmd, flags)
			if err != nil {
				return err
			}
			view, err := c.compute(cmd.Context())
			if err != nil {
				return err
			}
			resources := slices.DeleteFunc(collection.Resources(view), func(r compute.Resource) bool { return !s.holds(r) })
			return printList(cmd, query, collection.Headers, resources)
		},
	}
	s.addListFlags(cmd)
	addQueryFlags(cmd, &flags)
	return cmd
}

// compute asks for the model as the Compute API would show it.
func (c *connection) compute(ctx context.Context) (compute.Model, error) {
	client, info, err := c.connect(ctx)
	if err != nil {
		return compute.Model{}, err
	}
	model, err := client.Model(ctx)
	return compute.Model{Model: model, Project: info.Project(), Home: info.Home}, err
}

func printList(cmd *cobra.Command, query *gcloud.Query, headers []string, resources []compute.Resource) error {
	resources = query.Select(resources)
	if len(resources) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "Listed 0 items.")
	}
	return query.PrintList(cmd.OutOrStdout(), headers, resources)
}

func newDescribeResourceCommand(c *connection, collection compute.Collection) *cobra.Command {
	var s scope
	var flags gcloud.Flags
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Print one of the " + collection.Name, Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := gcloud.Parse(flags)
			if err != nil {
				return err
			}
			view, err := c.compute(cmd.Context())
			if err != nil {
				return err
			}
			resource, err := s.one(collection, view, args[0])
			if err != nil {
				return err
			}
			return query.PrintOne(cmd.OutOrStdout(), resource)
		},
	}
	s.addFlags(cmd)
	addFormatFlag(cmd, &flags)
	return cmd
}

// one is the resource of a name in the scope.
func (s *scope) one(collection compute.Collection, view compute.Model, name string) (compute.Resource, error) {
	resources := slices.DeleteFunc(collection.Resources(view), func(r compute.Resource) bool { return r.Name != name || !s.holds(r) })
	switch len(resources) {
	case 0:
		return compute.Resource{}, resourceNotFound(collection.Name, name)
	case 1:
		return resources[0], nil
	}
	flag := "--region"
	if resources[0].Fields["zone"] != nil {
		flag = "--zone"
	}
	return compute.Resource{}, fmt.Errorf("underspecified resource [%s]; specify the [%s] flag", name, flag)
}

func resourceNotFound(collection, name string) error {
	return fmt.Errorf("could not fetch resource:\n - The resource '%s/%s' was not found", collection, name)
}

// newComputeGetHealthCommand is get-health where gcloud has it, with gcloud's location flags.
func newComputeGetHealthCommand(c *connection) *cobra.Command {
	var s scope
	cmd := newGetHealthCommand(c)
	s.addFlags(cmd)
	print := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		services, _ := compute.Lookup("backend-services")
		view, err := c.compute(cmd.Context())
		if err != nil {
			return err
		}
		if _, err := s.one(services, view, args[0]); err != nil {
			return err
		}
		return print(cmd, args)
	}
	return cmd
}

func newListEndpointsCommand(c *connection) *cobra.Command {
	var s scope
	var flags gcloud.Flags
	cmd := &cobra.Command{
		Use: "list-network-endpoints NAME", Short: "List the endpoints of a network endpoint group", Args: exactArgs(1),
		Long: "List the endpoints of a network endpoint group: of all its zones unless --zone names one.",
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := parseQuery(cmd, flags)
			if err != nil {
				return err
			}
			view, err := c.compute(cmd.Context())
			if err != nil {
				return err
			}
			endpoints, ok := compute.Endpoints(view, args[0], s.holds)
			if !ok {
				return resourceNotFound("network-endpoint-groups", args[0])
			}
			return printList(cmd, query, compute.EndpointHeaders(), endpoints)
		},
	}
	s.addFlags(cmd)
	addQueryFlags(cmd, &flags)
	return cmd
}
