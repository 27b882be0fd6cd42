package main

import (
	"context"
	"path/filepath"
	"time"

	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/serve"
	"github.com/spillway-lb/spillway/internal/wasm/sample"
)

// fetchTime bounds the fetching of a plugin that is not kept yet.
const fetchTime = time.Minute

// pluginSource gives a proxy that follows a file the modules of its plugins: those that are kept, the samples, or what
// registries have. Paths of images are relative to the file.
func pluginSource(ctx context.Context, model string) func(image, digest string) ([]byte, error) {
	images := oci.NewStore(oci.Options{Dir: serve.ImagesPath(), Base: filepath.Dir(model), Confined: true, Builtin: sample.Module})
	return func(image, digest string) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, fetchTime)
		defer cancel()
		return images.Fetch(ctx, image, digest, oci.Plugin)
	}
}
