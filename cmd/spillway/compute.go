package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/printer"
)

// scope holds gcloud's location flags.
type scope struct {
	global       bool
	region, zone string
	format       string
}

func (s *scope) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&s.global, "global", false, "global resources only")
	f.StringVar(&s.region, "region", "", "resources of this region only")
	f.StringVar(&s.zone, "zone", "", "resources of this zone only")
	f.StringVar(&s.format, "format", "", "json or yaml")
}

func newComputeCommand(c *connection) *cobra.Command {
	cmd := &cobra.Command{
		Use: "compute", Short: "Load balancer resources in gcloud's words",
		Example: "  spillway compute backend-services list\n  spillway compute url-maps describe NAME",
	}
	for _, collection := range compute.Collections() {
		group := &cobra.Command{Use: collection.Name, Short: "The " + strings.ReplaceAll(collection.Name, "-", " ") + " of the model"}
		group.AddCommand(newListCommand(c, collection), newDescribeResourceCommand(c, collection))
		switch collection.Name {
		case "backend-services":
			group.AddCommand(newComputeGetHealthCommand(c))
		case "network-endpoint-groups":
			group.AddCommand(newListEndpointsCommand(c))
		}
		cmd.AddCommand(group)
	}
	return cmd
}

func newListCommand(c *connection, collection compute.Collection) *cobra.Command {
	var s scope
	cmd := &cobra.Command{
		Use: "list", Short: "List " + collection.Name, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.print(cmd, c, collection, "") },
	}
	s.addFlags(cmd)
	return cmd
}

func newDescribeResourceCommand(c *connection, collection compute.Collection) *cobra.Command {
	s := scope{}
	cmd := &cobra.Command{
		Use: "describe NAME", Short: "Print one of the " + collection.Name, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if s.format == "" {
				s.format = printer.FormatYAML
			}
			return s.print(cmd, c, collection, args[0])
		},
	}
	s.addFlags(cmd)
	return cmd
}

// newComputeGetHealthCommand is get-health where gcloud has it, with gcloud's location flags.
func newComputeGetHealthCommand(c *connection) *cobra.Command {
	cmd := newGetHealthCommand(c)
	(&scope{}).addFlags(cmd)
	return cmd
}

func (s *scope) print(cmd *cobra.Command, c *connection, collection compute.Collection, name string) error {
	output, err := printer.ParseOutput(s.format)
	if err != nil {
		return err
	}
	client, info, err := c.connect(cmd.Context())
	if err != nil {
		return err
	}
	model, err := client.Model(cmd.Context())
	if err != nil {
		return err
	}
	var names []string
	if name != "" {
		names = []string{name}
	}
	resources, err := named(collection, compute.Model{Model: model, Project: projectOf(info), Home: info.Home}, names)
	if err != nil {
		return err
	}
	resources = slices.DeleteFunc(resources, func(r compute.Resource) bool { return !s.holds(r) })
	return printResources(cmd, collection, resources, output, false, name != "")
}

// holds says whether a resource is in the scope.
func (s *scope) holds(r compute.Resource) bool {
	region, _ := r.Fields["region"].(string)
	zone, _ := r.Fields["zone"].(string)
	switch {
	case s.global:
		return region == "" && zone == ""
	case s.region != "":
		return strings.HasSuffix(region, "/"+s.region)
	case s.zone != "":
		return strings.HasSuffix(zone, "/"+s.zone)
	}
	return true
}

func newListEndpointsCommand(c *connection) *cobra.Command {
	var s scope
	cmd := &cobra.Command{
		Use: "list-network-endpoints NAME", Short: "List the endpoints of a network endpoint group", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			client, _, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			model, err := client.Model(cmd.Context())
			if err != nil {
				return err
			}
			return s.printEndpoints(cmd, model, args[0])
		},
	}
	s.addFlags(cmd)
	return cmd
}

func (s *scope) printEndpoints(cmd *cobra.Command, model *lbv1.Model, name string) error {
	tw := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	rows := 0
	for _, r := range model.GetResources() {
		zone, group := compute.SplitGroup(r.GetEndpointShard().GetGroup())
		if group != name || (s.zone != "" && zone != s.zone) {
			continue
		}
		for _, e := range r.GetEndpointShard().GetEndpoints() {
			if rows == 0 {
				fmt.Fprintln(tw, "INSTANCE\tIP_ADDRESS\tPORT\tFQDN")
			}
			rows++
			fmt.Fprintf(tw, "%s\t%s\t%d\t\n", e.GetInstance(), e.GetAddress(), e.GetPort())
		}
	}
	if rows == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "Listed 0 items.")
	}
	return tw.Flush()
}
