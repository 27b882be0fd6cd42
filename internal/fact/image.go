package fact

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/store"
)

// ImageRequest is an image that a version of a GCPWasmPlugin names.
type ImageRequest struct {
	Plugin store.Ref
	// Version is the user's name of it.
	Version string
	// Image is a reference as the user wrote it.
	Image string
	// Config: the image holds plugin.config, whose content is wanted, and not plugin.wasm, of which proxies get their copy.
	Config bool
	// Full: the module is for the full profile, whose limits are others.
	Full bool
}

// Image is what became of a request. There is none before anybody has looked. A digest stays what it was when the version was
// made: another version, or another image, is another fact.
type Image struct {
	// Digest is "sha256:...", "" if the image cannot be had.
	Digest string
	// Data is the configuration.
	Data []byte
	// Err is why it cannot be had. Whoever resolves tries again.
	Err string
}

// ImageOf names the fact of a request.
func ImageOf(r ImageRequest) store.Fact {
	what := "module"
	switch {
	case r.Config:
		what = "config"
	case r.Full:
		what = "full"
	}
	return store.Fact{Kind: KindImage, Key: r.Plugin.String() + separator + r.Version + separator + what + separator + r.Image}
}

// Equal compares values.
func (i Image) Equal(other any) bool {
	o, ok := other.(Image)
	return ok && i.Digest == o.Digest && i.Err == o.Err && bytes.Equal(i.Data, o.Data)
}
