package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/control"
)

// connection chooses the server that a command asks.
type connection struct {
	server string
}

const flagServer = "server"

func (c *connection) addFlags(root *cobra.Command) {
	root.PersistentFlags().StringVar(&c.server, flagServer, "",
		"which running server to ask: the path of its control socket, its process number or the directory that it serves; "+
			"not needed if just one runs (environment: SPILLWAY_SERVER)")
}

func (c *connection) connect(ctx context.Context) (*control.Client, control.Info, error) {
	chosen, origin := c.server, "--server"
	if chosen == "" {
		chosen, origin = os.Getenv("SPILLWAY_SERVER"), "SPILLWAY_SERVER"
	}
	client, info, err := control.Connect(ctx, chosen)
	if err != nil && chosen != "" {
		err = fmt.Errorf("%s is %q: %w", origin, chosen, err)
	}
	return client, info, err
}
