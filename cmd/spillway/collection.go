package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/printer"
)

// getCollections prints load balancer resources: tables like gcloud's, or their API fields.
func getCollections(
	cmd *cobra.Command, client *control.Client, info control.Info, all []wanted, output printer.Output, noHeaders bool,
) error {
	model, err := client.Model(cmd.Context())
	if err != nil {
		return err
	}
	view := compute.Model{Model: model, Project: info.Project(), Home: info.Home}
	for i, w := range all {
		if w.collection == nil {
			return fmt.Errorf("load balancer resources and Kubernetes objects cannot be asked for together")
		}
		resources, err := named(*w.collection, view, w.names)
		if err != nil {
			return err
		}
		if i > 0 {
			fmt.Fprintln(cmd.OutOrStdout())
		}
		if err := printResources(cmd, *w.collection, resources, output, noHeaders, len(w.names) == 1); err != nil {
			return err
		}
	}
	return nil
}

// named picks resources by name, all if no names are given.
func named(c compute.Collection, view compute.Model, names []string) ([]compute.Resource, error) {
	resources := c.Resources(view)
	if len(names) == 0 {
		return resources, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(resources, func(r compute.Resource) bool { return r.Name == name }) {
			return nil, resourceNotFound(c.Name, name)
		}
	}
	return slices.DeleteFunc(resources, func(r compute.Resource) bool { return !slices.Contains(names, r.Name) }), nil
}

func printResources(
	cmd *cobra.Command, c compute.Collection, resources []compute.Resource, output printer.Output, noHeaders, one bool,
) error {
	w := cmd.OutOrStdout()
	switch {
	case output.IsTable() && len(resources) == 0:
		fmt.Fprintln(cmd.ErrOrStderr(), "Listed 0 items.")
		return nil
	case output.IsTable():
		tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
		if !noHeaders {
			fmt.Fprintln(tw, strings.Join(c.Headers, "\t"))
		}
		for _, r := range resources {
			fmt.Fprintln(tw, strings.Join(r.Cells, "\t"))
		}
		return tw.Flush()
	case output.Format == printer.FormatName:
		for _, r := range resources {
			fmt.Fprintln(w, r.Name)
		}
		return nil
	}
	if one && len(resources) == 1 {
		return output.PrintContent(w, resources[0].Fields)
	}
	if output.Format == printer.FormatYAML {
		for _, r := range resources {
			fmt.Fprintln(w, "---")
			if err := output.PrintContent(w, r.Fields); err != nil {
				return err
			}
		}
		return nil
	}
	items := []any{}
	for _, r := range resources {
		items = append(items, r.Fields)
	}
	return output.PrintContent(w, map[string]any{"items": items})
}
