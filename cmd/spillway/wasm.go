package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/serve"
	"github.com/spillway-lb/spillway/internal/wasm"
)

// newWasmCommand is for authors of plugins.
func newWasmCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "wasm", Short: "For authors of Wasm plugins", Args: cobra.NoArgs}
	cmd.AddCommand(newWasmCheckCommand(), newWasmRunCommand(), newWasmPushCommand())
	return cmd
}

const wasmPushLong = `Make an image of a plugin and push it, as a Dockerfile with FROM scratch and COPY plugin.wasm / would.

The registry may be any that docker or podman is logged in at, or that of ` + "`spillway serve --registry`" + `. With oci-layout:DIR[:TAG]
the image goes into a directory. What no proxy would load is refused. The digest that is printed is the same for the same file.`

func newWasmPushCommand() *cobra.Command {
	var config bool
	cmd := &cobra.Command{
		Use: "push FILE IMAGE", Short: "Push a plugin to a registry", Long: wasmPushLong, Args: exactArgs(2),
		Example: "  spillway wasm push plugin.wasm 127.0.0.1:5000/hello:v1\n" +
			"  spillway wasm push --config hello.yaml 127.0.0.1:5000/hello-config:v1",
		RunE: func(cmd *cobra.Command, args []string) error { return pushPlugin(cmd, args[0], args[1], config) },
	}
	cmd.Flags().BoolVar(&config, "config", false, "FILE is a configuration, for pluginConfigURI, and no module")
	return cmd
}

func pushPlugin(cmd *cobra.Command, name, image string, config bool) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file := oci.Config
	if !config {
		file = oci.Plugin
		module, err := wasm.Load(cmd.Context(), b, wasm.Options{})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		module.Close(cmd.Context())
	}
	digest, err := oci.NewStore(oci.Options{Dir: serve.ImagesPath()}).Push(cmd.Context(), image, file, b)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "pushed %s with digest %s\n", image, digest)
	return nil
}
