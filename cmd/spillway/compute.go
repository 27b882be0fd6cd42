package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/computeclient"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/gcloud"
)

// addQueryFlags adds gcloud's flags that select, order and format lists.
func addQueryFlags(cmd *cobra.Command, flags *gcloud.Flags) {
	f := cmd.Flags()
	f.StringVar(&flags.Filter, "filter", "", "resources that fit only, such as name~^web, size>1, name:a* AND NOT zone:us-west1-a")
	f.StringVar(&flags.Flatten, "flatten", "", "fields with lists, separated by commas, such as backends[]: each member is listed by itself")
	f.StringVar(&flags.SortBy, "sort-by", "", "fields to sort by, separated by commas; ~ before one reverses it")
	f.IntVar(&flags.Limit, "limit", 0, "how many to list at most")
	f.BoolVar(&flags.URI, "uri", false, "print URIs only")
	addFormatFlag(cmd, flags)
}

func addFormatFlag(cmd *cobra.Command, flags *gcloud.Flags) {
	cmd.Flags().StringVar(&flags.Format, "format", "",
		"json, yaml, table, list, flattened, none, or value, get, csv or one of these with fields, such as value(name,zone.basename())")
}

// parseQuery reads the flags of a command; a limit that was typed has to be one.
func parseQuery(cmd *cobra.Command, flags gcloud.Flags) (*gcloud.Query, error) {
	if flags.Limit == 0 && cmd.Flags().Changed("limit") {
		flags.Limit = -1
	}
	return gcloud.Parse(flags)
}

// computeFlags are those that every command of gcloud has.
type computeFlags struct {
	project string
	quiet   bool
}

func (f *computeFlags) addFlags(cmd *cobra.Command) {
	flags := cmd.PersistentFlags()
	flags.StringVar(&f.project, "project", "", "the project to look at; the config cluster's by default, and there is no other")
	flags.BoolVarP(&f.quiet, "quiet", "q", false, "ask nothing")
}

const computeLong = `Load balancer resources in gcloud's words, with gcloud's tables and the fields of the Compute API.

Every collection has list, with --filter, --sort-by, --limit, --uri and --format, and describe. Locations are chosen with
--global, --regions and --zones. Google's own clients read the same from ` + "`spillway serve --compute ADDRESS`" + `.`

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
	var flags computeFlags
	flags.addFlags(cmd)
	for _, collection := range collections {
		group := &cobra.Command{
			Use: collection.Command + " COMMAND", Short: "The " + strings.ReplaceAll(collection.Command, "-", " ") + " of the model",
		}
		takesCommands(group)
		of := resourceCommands{c, &flags, collection}
		group.AddCommand(of.list(), of.describe())
		switch collection.Command {
		case "backend-services":
			group.AddCommand(of.getHealth())
		case "network-endpoint-groups":
			group.AddCommand(of.listEndpoints(), of.delete())
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

// resourceCommands makes the commands of one collection.
type resourceCommands struct {
	*connection
	flags *computeFlags
	of    compute.Collection
}

// compute is a client of the server's APIs. An empty project is the one that is served.
func (c *connection) compute(ctx context.Context, project string) (*computeclient.Client, error) {
	client, info, err := c.connect(ctx)
	if err != nil {
		return nil, err
	}
	if project == "" {
		project = info.Project()
	}
	return computeOf(client, project), nil
}

// computeOf is a client of a server's APIs, on its control socket.
func computeOf(client *control.Client, project string) *computeclient.Client {
	return &computeclient.Client{HTTP: client.HTTP(), Base: "http://spillway", Project: cmp.Or(project, "-")} // none before the first cluster
}

// all asks for the whole collection.
func (r resourceCommands) all(ctx context.Context) (*computeclient.Client, []map[string]any, error) {
	client, err := r.compute(ctx, r.flags.project)
	if err != nil {
		return nil, nil, err
	}
	resources, err := client.All(ctx, r.of)
	return client, resources, err
}

// one asks for one resource.
func (r resourceCommands) one(ctx context.Context, s *scope, name string) (*computeclient.Client, map[string]any, error) {
	client, resources, err := r.all(ctx)
	if err != nil {
		return nil, nil, err
	}
	resource, err := s.one(r.of, resources, name)
	return client, resource, err
}

func (r resourceCommands) list() *cobra.Command {
	var s scope
	flags := gcloud.Flags{Table: r.of.Format}
	cmd := &cobra.Command{
		Use: "list", Short: "List " + r.of.Command, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := parseQuery(cmd, flags)
			if err != nil {
				return err
			}
			_, resources, err := r.all(cmd.Context())
			if err != nil {
				return err
			}
			return printList(cmd, query, slices.DeleteFunc(resources, func(r map[string]any) bool { return !s.holds(r) }))
		},
	}
	s.addListFlags(cmd, r.of)
	addQueryFlags(cmd, &flags)
	return cmd
}

func printList(cmd *cobra.Command, query *gcloud.Query, resources []map[string]any) error {
	resources = query.Select(resources)
	if len(resources) == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "Listed 0 items.")
	}
	return query.PrintList(cmd.OutOrStdout(), resources)
}

func (r resourceCommands) describe() *cobra.Command {
	var s scope
	var flags gcloud.Flags
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Print one of the " + r.of.Command, Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := gcloud.Parse(flags)
			if err != nil {
				return err
			}
			_, resource, err := r.one(cmd.Context(), &s, args[0])
			if err != nil {
				return err
			}
			return query.PrintOne(cmd.OutOrStdout(), resource)
		},
	}
	s.addFlags(cmd, r.of)
	addFormatFlag(cmd, &flags)
	return cmd
}

// getHealth asks for the health of each group of a backend service, as gcloud does.
func (r resourceCommands) getHealth() *cobra.Command {
	var s scope
	var flags gcloud.Flags
	cmd := newGetHealthCommand(r.connection)
	withDetails := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query, err := gcloud.Parse(gcloud.Flags{Format: flags.Format})
		if err != nil {
			return err
		}
		client, service, err := r.one(cmd.Context(), &s, args[0])
		if err != nil {
			return err
		}
		if details, err := cmd.Flags().GetBool("details"); details || err != nil {
			return errors.Join(err, withDetails(cmd, []string{nameOf(service)}))
		}
		health, err := groupHealth(cmd.Context(), client, service)
		if err != nil {
			return err
		}
		if flags.URI {
			return printInstances(cmd, health)
		}
		return query.PrintDocuments(cmd.OutOrStdout(), health)
	}
	s.addFlags(cmd, r.of)
	addFormatFlag(cmd, &flags)
	cmd.Flags().BoolVar(&flags.URI, "uri", false, "print URIs of instances only")
	return cmd
}

func groupHealth(ctx context.Context, client *computeclient.Client, service map[string]any) ([]map[string]any, error) {
	backends, _ := service["backends"].([]any)
	var out []map[string]any
	for _, backend := range backends {
		fields, _ := backend.(map[string]any)
		group, _ := fields["group"].(string)
		status, err := client.Health(ctx, service, group)
		if err != nil {
			return nil, err
		}
		out = append(out, map[string]any{"backend": group, "status": status})
	}
	return out, nil
}

func printInstances(cmd *cobra.Command, health []map[string]any) error {
	query, err := gcloud.Parse(gcloud.Flags{Format: "value[delimiter='\n'](status.healthStatus[].instance)"})
	if err != nil {
		return err
	}
	return query.PrintList(cmd.OutOrStdout(), health)
}

func (r resourceCommands) listEndpoints() *cobra.Command {
	var s scope
	flags := gcloud.Flags{Table: compute.EndpointFormat}
	cmd := &cobra.Command{
		Use: "list-network-endpoints NAME", Short: "List the endpoints of a network endpoint group", Args: exactArgs(1),
		Long: "List the endpoints of a network endpoint group: of all its zones unless --zone names one.",
		RunE: func(cmd *cobra.Command, args []string) error {
			query, err := parseQuery(cmd, flags)
			if err != nil {
				return err
			}
			client, groups, err := r.all(cmd.Context())
			if err != nil {
				return err
			}
			groups = s.named(groups, args[0])
			if len(groups) == 0 {
				return resourceNotFound(r.of.Command, args[0])
			}
			var endpoints []map[string]any
			for _, group := range groups {
				some, err := client.Endpoints(cmd.Context(), group)
				if err != nil {
					return err
				}
				endpoints = append(endpoints, some...)
			}
			return printList(cmd, query, endpoints)
		},
	}
	s.addFlags(cmd, r.of)
	addQueryFlags(cmd, &flags)
	return cmd
}

// delete takes away a group that nobody uses.
func (r resourceCommands) delete() *cobra.Command {
	var s scope
	cmd := &cobra.Command{
		Use: "delete NAME", Short: "Delete a network endpoint group that nobody uses", Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, group, err := r.one(cmd.Context(), &s, args[0])
			if err != nil {
				return err
			}
			name := nameOf(group)
			if err := r.flags.confirm(cmd, "You are about to delete network endpoint group: ["+name+"]"); err != nil {
				return err
			}
			if err := client.Delete(cmd.Context(), group); err != nil {
				return fmt.Errorf("could not delete resource:\n - %w", err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "Deleted network endpoint group [%s].\n", name)
			return nil
		},
	}
	s.addFlags(cmd, r.of)
	return cmd
}

// confirm asks whether to go on. Nothing typed is yes, as in gcloud; the end of the input is not.
func (f *computeFlags) confirm(cmd *cobra.Command, what string) error {
	if f.quiet {
		return nil
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "%s\n\nDo you want to continue (Y/n)?  ", what)
	answer, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	fmt.Fprintln(cmd.ErrOrStderr())
	if err != nil && answer == "" {
		return errors.New("nobody answers: use --quiet to go on without a question")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "", "y", "yes":
		return nil
	}
	return errors.New("aborted by user")
}
