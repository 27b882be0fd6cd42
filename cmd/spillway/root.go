package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

const rootLong = `Spillway is Google Cloud-style load balancing that anyone can run. It reads the Kubernetes objects that GKE users
already write (Gateway, HTTPRoute, ServiceExport, HealthCheckPolicy ...), turns them into load balancer resources, and
runs these on proxies of its own.

Start with:

  spillway serve examples/multi-cluster-gateway

and, in another terminal:

  spillway urls
  spillway get gateways -n store`

// run executes one command line and returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var ended *statusError
	if errors.As(err, &ended) {
		return ended.status
	}
	var verbatim *verbatimError
	if !errors.As(err, &verbatim) {
		fmt.Fprintln(stderr, "error:", err)
	} else if verbatim.text != "" {
		fmt.Fprintln(stderr, verbatim.text)
	}
	return 1
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use: "spillway", Short: "Google Cloud-style load balancing that anyone can run", Long: rootLong,
		SilenceErrors: true, SilenceUsage: true,
	}
	root.SetFlagErrorFunc(flagError)
	var c connection
	c.addFlags(root)
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run:"}, &cobra.Group{ID: groupSee, Title: "See what a running server does:"})
	for _, command := range []*cobra.Command{newServeCommand(), newControllerCommand(), newTranslateCommand(), newValidateCommand(), newProxyCommand(), newCalloutCommand(), newWasmCommand(), newLabCommand(), newFleetCommand(), newVersionCommand()} {
		command.GroupID = groupRun
		withoutServer(command)
		root.AddCommand(command)
	}
	for _, command := range []*cobra.Command{
		newURLsCommand(&c), newGetCommand(&c), newDescribeCommand(&c), newExplainCommand(&c), newGetHealthCommand(&c), newLogsCommand(&c),
		newComputeCommand(&c), newNetworkServicesCommand(&c), newAPIResourcesCommand(),
	} {
		command.GroupID = groupSee
		if command.Name() == "api-resources" {
			withoutServer(command)
		}
		root.AddCommand(command)
	}
	return root
}

// withoutServer leaves --server out of the help of a command that asks no server.
func withoutServer(command *cobra.Command) {
	help := command.HelpFunc()
	command.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if f := cmd.InheritedFlags().Lookup(flagServer); f != nil {
			f.Hidden = true
		}
		help(cmd, args)
	})
}

// The groups of the help text.
const (
	groupRun = "run"
	groupSee = "see"
)

// statusError is the exit status of a command that has said itself what is wrong.
type statusError struct{ status int }

func (e *statusError) Error() string { return fmt.Sprintf("exit status %d", e.status) }

// verbatimError is printed without "error: " before it; an empty one only sets the exit status.
type verbatimError struct{ text string }

func (e *verbatimError) Error() string { return e.text }
