package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/computeclient"
	"github.com/spillway-lb/spillway/internal/gcloud"
	"github.com/spillway-lb/spillway/internal/printer"
)

// getCollections prints load balancer resources: tables like gcloud's, or their API fields.
func getCollections(cmd *cobra.Command, client *computeclient.Client, all []wanted, output printer.Output, noHeaders bool) error {
	for i, w := range all {
		if w.collection == nil {
			return fmt.Errorf("load balancer resources and Kubernetes objects cannot be asked for together")
		}
		resources, err := client.All(cmd.Context(), *w.collection)
		if err == nil {
			resources, err = named(*w.collection, resources, w.names)
		}
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
func named(c compute.Collection, resources []map[string]any, names []string) ([]map[string]any, error) {
	if len(names) == 0 {
		return resources, nil
	}
	for _, name := range names {
		if !slices.ContainsFunc(resources, func(r map[string]any) bool { return nameOf(r) == name }) {
			return nil, resourceNotFound(c.Command, name)
		}
	}
	return slices.DeleteFunc(resources, func(r map[string]any) bool { return !slices.Contains(names, nameOf(r)) }), nil
}

func printResources(
	cmd *cobra.Command, c compute.Collection, resources []map[string]any, output printer.Output, noHeaders, one bool,
) error {
	w := cmd.OutOrStdout()
	switch {
	case output.IsTable():
		return printTable(cmd, c, resources, noHeaders)
	case output.Format == printer.FormatName:
		for _, r := range resources {
			fmt.Fprintln(w, nameOf(r))
		}
		return nil
	}
	if one && len(resources) == 1 {
		return output.PrintContent(w, resources[0])
	}
	if output.Format == printer.FormatYAML {
		for _, r := range resources {
			fmt.Fprintln(w, "---")
			if err := output.PrintContent(w, r); err != nil {
				return err
			}
		}
		return nil
	}
	items := []any{}
	for _, r := range resources {
		items = append(items, r)
	}
	return output.PrintContent(w, map[string]any{"items": items})
}

func printTable(cmd *cobra.Command, c compute.Collection, resources []map[string]any, noHeaders bool) error {
	format := c.Format
	if noHeaders {
		format = strings.Replace(format, "table(", "table[no-heading](", 1)
	}
	query, err := gcloud.Parse(gcloud.Flags{Format: format})
	if err != nil {
		return err
	}
	return printList(cmd, query, resources)
}
