package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/spillway-lb/spillway/internal/memory"
	"github.com/spillway-lb/spillway/internal/serve"
)

// runFlags are those of every command that serves what objects say, wherever these are from.
type runFlags struct {
	from, socket, state, format, accessLog, admin, compute, images string

	drain   time.Duration
	verbose bool
	tracing tracing
	fleet   controllerFleet
}

// addFlags adds all but --from and --state, which each command says in its own words.
func (f *runFlags) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.socket, "socket", "", "path of the control socket; PID.sock in $XDG_RUNTIME_DIR/spillway by default")
	flags.StringVar(&f.format, "log-format", serve.FormatText, "text or json")
	flags.StringVar(&f.accessLog, "access-log", "", `file for access logs, a JSON line for each request; "-" is standard output`)
	flags.StringVar(&f.admin, "admin", "", "address for /metrics of all locations, /readyz, /healthz and /debug/pprof, such as 127.0.0.1:0")
	flags.StringVar(&f.compute, "compute", "", `address for a Compute v1 and Network Services v1 API of what is served, read-only and without
authentication, such as 127.0.0.1:0`)
	flags.StringVar(&f.images, "images", "", "directory that keeps images of plugins; $XDG_CACHE_HOME/spillway/images by default")
	f.tracing.addFlags(flags)
	f.fleet.addFlags(flags)
	flags.DurationVar(&f.drain, "drain", 30*time.Second, "how long requests in flight may take after SIGTERM or Ctrl-C")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "print what the proxies log")
}

// run serves until a signal; c has what is the command's own.
func (f *runFlags) run(cmd *cobra.Command, c serve.Config) error {
	if f.format != serve.FormatText && f.format != serve.FormatJSON {
		return fmt.Errorf("--log-format is text or json, not %q", f.format)
	}
	var err error
	if c.Fleet, err = f.fleet.config(); err != nil {
		return err
	}
	memory.Follow(os.DirFS("/"))
	if c.AccessLog, err = openAccessLog(f.accessLog, cmd.OutOrStdout()); err != nil {
		return err
	}
	ctx, stop := untilSignal(cmd.Context(), os.Exit, endings()...)
	defer stop()
	tracer, endTracing, err := f.tracing.open(ctx, "")
	if err != nil {
		return err
	}
	defer endTracing()
	c.From, c.Socket, c.Drain, c.Format, c.Admin, c.Compute, c.Images = f.from, f.socket, f.drain, f.format, f.admin, f.compute, f.images
	c.Out, c.Log, c.Tracer, c.Version, c.Now = cmd.OutOrStdout(), f.logger(cmd.ErrOrStderr()), tracer, version(), time.Now
	err = serve.Run(ctx, c)
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (see --drain)", err)
	}
	return err
}

// logger takes warnings and worse, or everything.
func (f *runFlags) logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelError}
	if f.verbose {
		options.Level = slog.LevelDebug
	}
	if f.format == serve.FormatJSON {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
