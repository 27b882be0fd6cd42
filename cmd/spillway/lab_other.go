//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func newLabCommand() *cobra.Command {
	return &cobra.Command{
		Use: "lab", Short: "Run a fleet of real Kubernetes clusters on this machine (Linux only)",
		RunE: func(*cobra.Command, []string) error {
			return errors.New("a lab lives in namespaces, which only Linux has; in a Linux virtual machine it works")
		},
	}
}

func newFleetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "fleet", Short: "Choose the members of a lab's fleet (Linux only)",
		RunE: func(*cobra.Command, []string) error { return errors.New("a fleet is a lab's, and a lab needs Linux") },
	}
}
