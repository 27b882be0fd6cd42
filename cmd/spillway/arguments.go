package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// exactArgs is cobra.ExactArgs with the form of the command in the error.
func exactArgs(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return fmt.Errorf("%w; usage: %s", err, cmd.UseLine())
		}
		return nil
	}
}

// someKind wants the kind of get and describe, in kubectl's words.
func someKind(text string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return &verbatimError{text}
		}
		return nil
	}
}

const (
	getNeedsKind = `You must specify the type of resource to get. Use "spillway api-resources" for a complete list of supported resources.

error: Required resource not specified.
See 'spillway get --help' for help and examples`
	describeNeedsKind = `error: You must specify the type of resource to describe. ` +
		`Use "spillway api-resources" for a complete list of supported resources.`
)

// flagError tells where a command's flags are listed, as kubectl does.
func flagError(cmd *cobra.Command, err error) error {
	return &verbatimError{fmt.Sprintf("error: %v\nSee '%s --help' for usage.", err, cmd.CommandPath())}
}
