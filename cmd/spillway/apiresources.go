package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/printer"
)

func newAPIResourcesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "api-resources", Short: "The kinds that get and describe take", Args: cobra.NoArgs,
		Long: "The kinds that get and describe take, as kubectl lists them. Load balancer resources are not among them: " +
			"see `spillway compute --help`.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			tw := tabwriter.NewWriter(cmd.OutOrStdout(), 6, 4, 3, ' ', 0)
			fmt.Fprintln(tw, "NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND")
			for _, k := range printer.Kinds() {
				fmt.Fprintf(tw, "%s\t%s\t%s\t%t\t%s\n", k.Plural, strings.Join(k.Short, ","), k.APIVersion(), k.Namespaced, k.Name)
			}
			return tw.Flush()
		},
	}
}
