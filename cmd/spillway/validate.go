package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/manifests"
)

func newValidateCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "validate DIR", Short: "Check a directory of manifests", Args: exactArgs(1),
		Long: "Check a directory of manifests as an API server would, offline: schemas, CEL rules, duplicates, clusters.\n\n" +
			"Each problem is a line with file, line, column, field and rule. The status is 1 if any is an error.",
		Example: "  spillway validate examples/multi-cluster-gateway",
		RunE: func(cmd *cobra.Command, args []string) error {
			problems, err := manifests.Validate(args[0])
			if err != nil {
				return err
			}
			switch output {
			case "json":
				enc := json.NewEncoder(cmd.OutOrStdout())
				enc.SetIndent("", "  ")
				if err := enc.Encode(append([]manifests.Problem{}, problems...)); err != nil {
					return err
				}
			case "":
				printProblems(cmd.OutOrStdout(), problems)
			default:
				return fmt.Errorf("output format %q is not json", output)
			}
			if manifests.HasErrors(problems) {
				return &verbatimError{}
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json; a line for each problem by default")
	return cmd
}
