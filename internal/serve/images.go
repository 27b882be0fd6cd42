package serve

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spillway-lb/spillway/internal/admin"
	"github.com/spillway-lb/spillway/internal/extension"
	"github.com/spillway-lb/spillway/internal/fact"
	"github.com/spillway-lb/spillway/internal/image"
	"github.com/spillway-lb/spillway/internal/oci"
	"github.com/spillway-lb/spillway/internal/oci/registry"
	"github.com/spillway-lb/spillway/internal/proxy/plugin"
	"github.com/spillway-lb/spillway/internal/store"
	"github.com/spillway-lb/spillway/internal/wasm"
	"github.com/spillway-lb/spillway/internal/wasm/sample"
)

// ImagesPath is where plugins' images are kept: $XDG_CACHE_HOME/spillway/images or ~/.cache/spillway/images, or a directory
// of temporary files if there is no home. What is kept is checked whenever it is read.
func ImagesPath() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return filepath.Join(os.TempDir(), fmt.Sprintf("spillway-images-%d", os.Getuid()))
	}
	return filepath.Join(base, "spillway", "images")
}

// newImages makes the store of plugins' images and the resolver that fills it. Of this machine's files a manifest can name those
// below the manifests alone.
func (s *server) newImages() {
	c := s.config
	s.images = oci.NewStore(oci.Options{Dir: cmp.Or(c.Images, ImagesPath()), Base: c.Dir, Confined: true, Builtin: sample.Module})
	s.modules = plugin.NewModules(s.module, wasm.Options{})
	s.resolver = image.NewResolver(image.Options{
		Store: s.store, Images: s.images, Wanted: extension.Images, Check: s.checkModule, Pins: s.keeper.beside("images.json"),
		Say: s.report.say, Now: c.Now,
	})
}

// checkModule says what the proxies would have against a module.
func (s *server) checkModule(ctx context.Context, r fact.ImageRequest, digest string, code []byte) error {
	profile := wasm.GCP
	if r.Full {
		profile = wasm.Full
	}
	return s.modules.Check(ctx, profile, digest, code)
}

// module is that of a plugin's image, which has been fetched: data planes ask nobody.
func (s *server) module(image, digest string) ([]byte, error) {
	return s.images.Cached(image, digest, oci.Plugin)
}

// look commits the facts about the outside that a round is about to read.
func (s *server) look(snapshot *store.Snapshot, touched []string) {
	s.addresses.look(snapshot, touched)
	s.resolver.Look(snapshot, touched)
}

// serveRegistry has authors push plugins, until the context ends.
func (s *server) serveRegistry(ctx context.Context) error {
	if s.config.Registry == "" {
		return nil
	}
	dir := ""
	if s.keeper.path != "" {
		dir = filepath.Join(cmp.Or(s.config.Images, ImagesPath()), "registry")
	}
	r, err := registry.New(registry.Options{Dir: dir, Pushed: s.resolver.Again})
	if err != nil {
		return err
	}
	at, err := admin.ServeHandler(ctx, s.config.Registry, admin.IsOwnHost, r)
	if err != nil {
		return fmt.Errorf("registry: %w", err)
	}
	s.report.say("registry %s: spillway wasm push FILE %s/NAME:TAG", at, at)
	if !admin.OnLoopback(at) {
		s.report.say("warning: everybody who can reach %s can push plugins to the registry", at)
	}
	return nil
}

// beside is a file that goes with the state; "" if none is kept.
func (k *keeper) beside(suffix string) string {
	if k.path == "" {
		return ""
	}
	return strings.TrimSuffix(k.path, ".state") + "." + suffix
}
