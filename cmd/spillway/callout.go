package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/spillway-lb/spillway/internal/calloutrecord"
	"github.com/spillway-lb/spillway/internal/calloutserver"
)

// newCalloutCommand is for authors of callouts.
func newCalloutCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "callout", Short: "For authors of callouts", Args: cobra.NoArgs}
	cmd.AddCommand(newCalloutRecordCommand(), newCalloutReplayCommand())
	return cmd
}

const calloutRecordLong = `Stand between a proxy and a callout, and keep what they say in DIR: a file for each request, as text.

Let the extension's Service lead to the address that --listen names (in spillway.yaml an image maps to an address), and say with
--to where the callout is. It passes every message on as it is. Ends with Ctrl-C.`

func newCalloutRecordCommand() *cobra.Command {
	var listen, to, header string
	var plain bool
	cmd := &cobra.Command{
		Use: "record DIR", Short: "Keep the messages of requests as text", Long: calloutRecordLong, Args: exactArgs(1),
		Example: "  spillway callout record messages --listen 127.0.0.1:9000 --to 127.0.0.1:8080 --plaintext\n" +
			"  spillway callout record messages --to 127.0.0.1:443 --header :path=/v1/chat",
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
			defer stop()
			return recordCallout(ctx, cmd, args[0], listen, to, header, plain)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:9000", "where the proxy finds the recorder; it speaks plaintext HTTP/2 there")
	cmd.Flags().StringVar(&to, "to", "", "the callout's address")
	cmd.Flags().StringVar(&header, "header", "", "keep only requests with this field, NAME or NAME=VALUE")
	cmd.Flags().BoolVar(&plain, "plaintext", false, "the callout speaks HTTP/2 without TLS")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func recordCallout(ctx context.Context, cmd *cobra.Command, dir, listen, to, header string, plain bool) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	conn, err := dialCallout(to, plain)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	r := &calloutrecord.Recorder{Dir: dir, Callout: conn, Kept: func(name string) { fmt.Fprintln(cmd.OutOrStdout(), name) }}
	if name, value, _ := strings.Cut(header, "="); name != "" {
		r.Chosen = calloutrecord.Having(name, value)
	}
	server := calloutserver.New(r.Process)
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	fmt.Fprintf(cmd.ErrOrStderr(), "recording between %s and %s\n", ln.Addr(), to)
	return server.Serve(ln)
}

// dialCallout connects as proxies do: certificates are not verified, callouts have them for localhost.
func dialCallout(to string, plain bool) (*grpc.ClientConn, error) {
	c := insecure.NewCredentials()
	if !plain {
		c = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	}
	return grpc.NewClient(to, grpc.WithTransportCredentials(c))
}

// errDifferent: a callout answered otherwise than the one that was recorded.
var errDifferent = errors.New("the callout answers differently")

func newCalloutReplayCommand() *cobra.Command {
	var to string
	var plain bool
	var within time.Duration
	cmd := &cobra.Command{
		Use: "replay DIR", Short: "Play recorded messages to a callout and print what it answers differently", Args: exactArgs(1),
		Example: "  spillway callout replay messages --to 127.0.0.1:8080 --plaintext",
		RunE: func(cmd *cobra.Command, args []string) error {
			return replayCallout(cmd, args[0], to, plain, within)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the callout's address")
	cmd.Flags().BoolVar(&plain, "plaintext", false, "the callout speaks HTTP/2 without TLS")
	cmd.Flags().DurationVar(&within, "timeout", 10*time.Second, "how long an answer may take")
	_ = cmd.MarkFlagRequired("to")
	return cmd
}

func replayCallout(cmd *cobra.Command, dir, to string, plain bool, within time.Duration) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("%s has no recorded messages (*.txt)", dir)
	}
	conn, err := dialCallout(to, plain)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	slices.Sort(files)
	different := 0
	for _, name := range files {
		x, err := calloutrecord.Read(name)
		if err != nil {
			return err
		}
		list, err := calloutrecord.Replay(cmd.Context(), conn, x, within)
		if err != nil {
			return err
		}
		for _, d := range list {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", name, strings.TrimSuffix(d, "\n"))
		}
		if len(list) > 0 {
			different++
		}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d of %d the same\n", len(files)-different, len(files))
	if different > 0 {
		return errDifferent
	}
	return nil
}
