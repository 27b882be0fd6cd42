package oci

import (
	"encoding/json"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxManifest bounds a manifest or an index, in bytes.
const maxManifest = 4 << 20

// manifest is a manifest or an index, of docker's types or OCI's: they have the same fields.
type manifest struct {
	MediaType string               `json:"mediaType"`
	Manifests []ocispec.Descriptor `json:"manifests"`
	Layers    []ocispec.Descriptor `json:"layers"`
	FSLayers  []any                `json:"fsLayers"` // of docker's first format
}

func parseManifest(b []byte) (*manifest, error) {
	m := &manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, failure(Malformed, "its manifest is no JSON: %w", err)
	}
	switch {
	case m.FSLayers != nil:
		return nil, failure(Malformed, "it has docker's first image format, which is not read: push it again")
	case len(m.Manifests) == 0 && len(m.Layers) == 0:
		return nil, failure(Malformed, "its manifest has neither layers nor manifests")
	}
	for _, d := range slices.Concat(m.Manifests, m.Layers) {
		if err := d.Digest.Validate(); err != nil {
			return nil, failure(Malformed, "its manifest has %q for a digest: %w", d.Digest, err)
		}
	}
	return m, nil
}

// isIndex reports whether it has images for several platforms.
func (m *manifest) isIndex() bool { return len(m.Manifests) > 0 }

// choose takes the image of an index: the only one, that for linux/amd64, or that for WebAssembly. What build tools attach
// to an image are entries of the index as well.
func choose(all []ocispec.Descriptor) (ocispec.Descriptor, error) {
	images := slices.DeleteFunc(slices.Clone(all), attestation)
	if len(images) == 1 {
		return images[0], nil
	}
	for _, wanted := range []string{"linux/amd64", "wasi/wasm", "wasip1/wasm"} {
		for _, d := range images {
			if platform(d) == wanted {
				return d, nil
			}
		}
	}
	if len(images) == 0 {
		return ocispec.Descriptor{}, failure(NotFound, "its index has no image")
	}
	var have []string
	for _, d := range images {
		have = append(have, platform(d))
	}
	slices.Sort(have)
	return ocispec.Descriptor{}, failure(NotFound, "it has no image for linux/amd64, but for %s", strings.Join(slices.Compact(have), ", "))
}

func attestation(d ocispec.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || platform(d) == "unknown/unknown"
}

func platform(d ocispec.Descriptor) string {
	if d.Platform == nil {
		return "no platform"
	}
	return d.Platform.OS + "/" + d.Platform.Architecture
}
