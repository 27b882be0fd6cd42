package main

import (
	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/compute"
	"github.com/spillway-lb/spillway/internal/printer"
)

// completeKinds completes the first argument of get and describe.
func completeKinds(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []cobra.Completion
	for _, k := range printer.Kinds() {
		names = append(names, k.Plural)
	}
	for _, c := range compute.Collections() {
		names = append(names, c.Command)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
