package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/wasm"
)

const wasmCheckLong = `Say whether a proxy would run a plugin: load it, start it, and give it its configuration.

Checked are the size, the ABI (0.1.0, 0.2.0 or 0.2.1), every import by name and type, the callbacks' types, the memory it starts with, and
that it accepts the configuration. What it logs meanwhile is shown. The status is 1 if a proxy would refuse it.`

// wasmFlags are what check and run have in common.
type wasmFlags struct {
	config string
	full   bool
}

func (f *wasmFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "", "file with the plugin's configuration")
	cmd.Flags().BoolVar(&f.full, "full", false, "all of the ABI, as Envoy has it; otherwise the subset and limits of Google's load balancers")
}

// read reads the module and the configuration.
func (f *wasmFlags) read(name string) (code, config []byte, err error) {
	if code, err = os.ReadFile(name); err != nil || f.config == "" {
		return code, nil, err
	}
	config, err = os.ReadFile(f.config)
	return code, config, err
}

func (f *wasmFlags) options() wasm.Options {
	if f.full {
		return wasm.Options{Profile: wasm.Full}
	}
	return wasm.Options{}
}

func newWasmCheckCommand() *cobra.Command {
	var f wasmFlags
	cmd := &cobra.Command{
		Use: "check FILE", Short: "Say whether a proxy would run a plugin", Long: wasmCheckLong, Args: exactArgs(1),
		Example: "  spillway wasm check plugin.wasm\n  spillway wasm check plugin.wasm --config config.json",
		RunE:    func(cmd *cobra.Command, args []string) error { return checkPlugin(cmd, args[0], f) },
	}
	f.add(cmd)
	return cmd
}

func checkPlugin(cmd *cobra.Command, name string, f wasmFlags) error {
	code, config, err := f.read(name)
	if err != nil {
		return err
	}
	module, err := wasm.Load(cmd.Context(), code, f.options())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer module.Close(cmd.Context())
	w := cmd.OutOrStdout()
	plugin, err := module.Plugin(wasm.PluginConfig{Configuration: config, Log: func(r wasm.Record) { printRecord(w, r) }})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	stats := plugin.Stats()
	plugin.Close()
	fmt.Fprintf(w, "%s: ABI %v, %d KiB, %d KiB of memory after its start, profile %v\n", name, module.Version(), (len(code)+1023)>>10, stats.Memory>>10, module.Profile())
	fmt.Fprintf(w, "callbacks: %s\n", strings.Join(module.Callbacks(), ", "))
	fmt.Fprintln(w, "a proxy would run it")
	return nil
}

func printRecord(w io.Writer, r wasm.Record) {
	fmt.Fprintf(w, "log %-8s %s\n", r.Level, r.Message)
}
