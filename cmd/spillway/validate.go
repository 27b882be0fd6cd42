package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/validate"
)

const validateLong = `Say what of a directory of manifests would not serve, without serving it.

First the files are checked as an API server would: schemas, CEL rules, duplicates, clusters. Then they are translated, with
every Pod whose image is known imagined to run, and each condition that says that something is not accepted or not resolved
is a problem: a route whose parent or backend is not there, a Secret that is missing, a policy that is not obeyed, a Service
that nobody answers for.

Each problem is a line with file, line, column, severity, object and reason. The status is 1 if any is an error: something
would not serve as it is written. Objects of other controllers are notes. Whether proxies can listen on the addresses is not
looked at.`

// validateFlags are the flags of `spillway validate`.
type validateFlags struct {
	output     string
	schemaOnly bool
	strict     bool
	namespace  defaultNamespace
}

func newValidateCommand() *cobra.Command {
	var f validateFlags
	cmd := &cobra.Command{
		Use: "validate DIR", Short: "Say what of a directory of manifests would not serve", Args: exactArgs(1),
		Long: validateLong,
		Example: "  spillway validate examples/multi-cluster-gateway\n" +
			"  spillway validate --schema-only examples/multi-cluster-gateway",
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "json; a line for each problem by default")
	cmd.Flags().BoolVar(&f.schemaOnly, "schema-only", false, "check the files alone, not what becomes of them")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "what of service extensions GKE's newest CRDs refuse is an error, also if it works here")
	f.namespace.addFlag(cmd.Flags())
	return cmd
}

func (f *validateFlags) run(cmd *cobra.Command, dir string) error {
	if f.output != "" && f.output != "json" {
		return fmt.Errorf("output format %q is not json", f.output)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file; validate takes a directory", dir)
	}
	report, err := validate.Directory(dir, validate.Options{Namespace: string(f.namespace), SchemaOnly: f.schemaOnly, Strict: f.strict, Now: time.Now()})
	if err != nil {
		return err
	}
	if f.output == "json" {
		enc := json.NewEncoder(cmd.OutOrStdout())
		enc.SetIndent("", "  ")
		if err := enc.Encode(append([]manifests.Problem{}, report.Problems...)); err != nil {
			return err
		}
	} else {
		printProblems(cmd.OutOrStdout(), report.Problems)
		printSummary(cmd.ErrOrStderr(), dir, report)
	}
	if manifests.HasErrors(report.Problems) {
		return &verbatimError{}
	}
	return nil
}

// printSummary says how much was looked at: a directory without objects is valid, too.
func printSummary(w io.Writer, dir string, report *validate.Report) {
	if report.Objects == 0 {
		fmt.Fprintf(w, "no objects in %s: manifests are files that end in .yaml, .yml or .json\n", dir)
		return
	}
	counts := map[manifests.Severity]int{}
	for _, p := range report.Problems {
		counts[p.Severity]++
	}
	parts := []string{counted(report.Objects, "object")}
	for _, severity := range []manifests.Severity{manifests.Error, manifests.Warning, manifests.Note} {
		if counts[severity] > 0 || severity == manifests.Error {
			parts = append(parts, counted(counts[severity], string(severity)))
		}
	}
	fmt.Fprintln(w, strings.Join(parts, ", "))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
