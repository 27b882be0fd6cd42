package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"sigs.k8s.io/yaml"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/control"
	"github.com/spillway-lb/spillway/internal/manifests"
	"github.com/spillway-lb/spillway/internal/serve"
)

const translateLong = `Print the load balancer model of a directory of manifests, in a stable order. Nothing is started: Pods whose images are
known are imagined to run. ` + "`spillway proxy --config FILE`" + ` serves what is printed; private keys are in it, but on a
terminal, where they are left out unless --redact=false asks for them.

Problems go to standard error. Those that are errors make the status 1, and nothing is printed, unless --ignore-errors
takes what is usable.`

const translateExample = `  spillway translate examples/multi-cluster-gateway > model.json
  spillway proxy --config model.json --region us-west1`

// translateFlags are the flags of `spillway translate`.
type translateFlags struct {
	output, from string
	ignoreErrors bool
	redact       bool
	namespace    defaultNamespace
}

func newTranslateCommand() *cobra.Command {
	var f translateFlags
	cmd := &cobra.Command{
		Use: "translate DIR", Short: "Print the load balancer model of a directory", Long: translateLong, Example: translateExample,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "json", "json or yaml")
	flags.StringVar(&f.from, "from", "", "home region; the config cluster's region by default")
	f.namespace.addFlag(flags)
	flags.BoolVar(&f.ignoreErrors, "ignore-errors", false, "print what is usable, with status 0")
	flags.BoolVar(&f.redact, "redact", false, "leave private keys out; the default on a terminal")
	return cmd
}

func (f *translateFlags) run(cmd *cobra.Command, dir string) error {
	if f.output != "json" && f.output != "yaml" {
		return fmt.Errorf("output format %q is neither json nor yaml", f.output)
	}
	model, problems, err := serve.Translate(dir, string(f.namespace), f.from, time.Now())
	printProblems(cmd.ErrOrStderr(), problems)
	if err != nil {
		return err
	}
	if manifests.HasErrors(problems) && !f.ignoreErrors {
		return &verbatimError{}
	}
	if flag := cmd.Flags().Lookup("redact"); f.redact || !flag.Changed && isTerminal(cmd.OutOrStdout()) {
		model = control.RedactModel(model)
	}
	return printModel(cmd.OutOrStdout(), model, f.output)
}

// isTerminal says whether somebody looks on. What is no file is none.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func printProblems(w io.Writer, problems []manifests.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}

// printModel indents by itself, because protojson's own spacing differs from build to build on purpose.
func printModel(w io.Writer, model *lbv1.Model, output string) error {
	b, err := protojson.Marshal(model)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := json.Indent(&text, b, "", "  "); err != nil {
		return err
	}
	text.WriteByte('\n')
	if output == "json" {
		_, err = text.WriteTo(w)
		return err
	}
	y, err := yaml.JSONToYAML(text.Bytes())
	if err != nil {
		return err
	}
	_, err = w.Write(y)
	return err
}
