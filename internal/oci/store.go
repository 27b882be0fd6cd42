package oci

import (
	"bytes"
	"context"
	_ "crypto/sha512" // digests of registries may be SHA-512
	"crypto/tls"
	"errors"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Limits, in bytes.
const (
	// MaxGoogle is what Google allows a plugin and its configuration together.
	MaxGoogle = 5 << 20
	// DefaultMaxFile is that of one file.
	DefaultMaxFile = MaxGoogle
	// DefaultMaxCache is that of all that is kept on disk.
	DefaultMaxCache = 1 << 30
	// packing is how much larger a layer may be than the file: other files, and archives' heads.
	packing = 32 << 20
	// maxLayers bounds the layers of an image that are looked into.
	maxLayers = 32
)

// Options are a store's.
type Options struct {
	// Dir is where what was fetched is kept.
	Dir string
	// Base is the directory that paths of file: and oci-layout: are relative to; empty for the working directory.
	Base string
	// Confined: nothing is read that is not below Base, nor where a link leads out of it. It is for names that come from whoever may
	// write a manifest.
	Confined bool
	// Builtin has the modules of images that are in this program; nil has none. Nobody is asked for them.
	Builtin func(image string) ([]byte, bool)
	// MaxFile and MaxCache replace the defaults, in bytes.
	MaxFile, MaxCache int64
	// TLS replaces what registries' certificates are checked with; for tests.
	TLS *tls.Config
}

// Store fetches files of images. It may be used by many goroutines.
type Store struct {
	base     string
	confined bool
	builtin  func(image string) ([]byte, bool)
	max      int64
	cache    *cache
	client   *auth.Client
}

// NewStore makes one. The directory is created when there is something to keep.
func NewStore(o Options) *Store {
	if o.Builtin == nil {
		o.Builtin = func(string) ([]byte, bool) { return nil, false }
	}
	if o.MaxFile <= 0 {
		o.MaxFile = DefaultMaxFile
	}
	if o.MaxCache <= 0 {
		o.MaxCache = DefaultMaxCache
	}
	return &Store{
		base: o.Base, confined: o.Confined, builtin: o.Builtin, max: o.MaxFile, cache: &cache{dir: o.Dir, max: o.MaxCache}, client: newClient(o.TLS),
	}
}

// Resolve is the digest that an image means now. A name with a digest means that, whatever its tag, and nobody is asked.
func (s *Store) Resolve(ctx context.Context, image string) (string, error) {
	i, err := ParseImage(image)
	if err != nil {
		return "", err
	}
	if i.Digest != "" {
		return i.Digest.String(), nil
	}
	d, err := s.resolve(ctx, i)
	if err != nil {
		return "", worded(i, err)
	}
	return d.Digest.String(), nil
}

func (s *Store) resolve(ctx context.Context, i Image) (ocispec.Descriptor, error) {
	if b, bare, err := s.bare(i); bare {
		return ocispec.Descriptor{Digest: digest.FromBytes(b)}, err
	}
	from, err := s.open(i)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return from.Resolve(ctx, i.wanted())
}

// bare is the content of what is no image inside: a file on disk, or a built-in.
func (s *Store) bare(i Image) (b []byte, bare bool, err error) {
	if b, found := s.builtin(i.text); found && i.Digest == "" {
		return b, true, nil
	}
	if i.Host != "" || i.Layout {
		return nil, false, nil
	}
	at, err := s.path(i)
	if err == nil {
		b, err = at.read(s.max)
	}
	return b, true, err
}

// Local reports whether an image is on this machine: there is no network to wait for.
func (s *Store) Local(image string) bool {
	i, err := ParseImage(image)
	_, here := s.builtin(image)
	return err != nil || i.Host == "" || here && i.Digest == ""
}

// Fetch is a file in the image of a digest, which Resolve gave. It asks nobody for what it has on disk.
func (s *Store) Fetch(ctx context.Context, image, sum string, file File) ([]byte, error) {
	i, err := ParseImage(image)
	if err != nil {
		return nil, err
	}
	d, err := digest.Parse(sum)
	if err != nil {
		return nil, worded(i, failure(Invalid, "%q is no digest: %w", sum, err))
	}
	b, err := s.file(&fetch{store: s, ctx: ctx, image: i}, d, file)
	if err != nil {
		return nil, worded(i, err)
	}
	return b, nil
}

// Cached is like Fetch, but asks nobody at all: the error says that the file is not here.
func (s *Store) Cached(image, sum string, file File) ([]byte, error) {
	i, err := ParseImage(image)
	if err != nil {
		return nil, err
	}
	d, err := digest.Parse(sum)
	if err != nil {
		return nil, worded(i, failure(Invalid, "%q is no digest: %w", sum, err))
	}
	b, err := s.file(&fetch{store: s, image: i, offline: true}, d, file)
	if err != nil {
		return nil, worded(i, err)
	}
	return b, nil
}

func (s *Store) file(f *fetch, d digest.Digest, file File) ([]byte, error) {
	u := &unpacker{file: file, max: s.max}
	if b, bare, err := f.bare(d); err != nil {
		return nil, err
	} else if bare {
		return u.whole(b)
	}
	m, err := f.manifest(d)
	if err != nil {
		return nil, err
	}
	if len(m.Layers) > maxLayers {
		return nil, failure(TooLarge, "it has %d layers: an image of a plugin has one", len(m.Layers))
	}
	for _, l := range slices.Backward(m.Layers) { // the last layer that has the file hides the others
		b, err := f.blob(l, s.max+packing)
		if err != nil {
			return nil, err
		}
		if b, err = u.layer(l.MediaType, b); !errors.Is(err, errAbsent) {
			return b, err
		}
	}
	return nil, u.absent()
}

// fetch is the fetching of one image.
type fetch struct {
	store   *Store
	ctx     context.Context
	image   Image
	offline bool
	from    source
}

// bare is the content of what is no image inside. It must be what it was when its digest was taken, if that is not here.
func (f *fetch) bare(d digest.Digest) (_ []byte, bare bool, _ error) {
	_, here := f.store.builtin(f.image.text)
	if f.image.Layout || f.image.Host != "" && (!here || f.image.Digest != "") {
		return nil, false, nil
	}
	if b := f.store.cache.get(d); b != nil {
		return b, true, nil
	}
	b, _, err := f.store.bare(f.image)
	if err != nil {
		return nil, true, err
	}
	if now := d.Algorithm().FromBytes(b); now != d {
		return nil, true, failure(Malformed, "the file has changed: it has the digest %s now, and not %s", now, d)
	}
	return b, true, f.keep(d, b)
}

func (f *fetch) here(b []byte) error {
	if b == nil {
		return failure(NotFound, "it is not on disk, and was not asked for")
	}
	return nil
}

func (f *fetch) keep(d digest.Digest, b []byte) error {
	if err := f.store.cache.put(d, b); err != nil {
		return failure(Unreachable, "cannot keep it: %w", err)
	}
	return nil
}

// manifest is that of the image for one platform.
func (f *fetch) manifest(d digest.Digest) (*manifest, error) {
	m, err := f.parsed(ocispec.Descriptor{Digest: d})
	if err != nil || !m.isIndex() {
		return m, err
	}
	entry, err := choose(m.Manifests)
	if err != nil {
		return nil, err
	}
	m, err = f.parsed(ocispec.Descriptor{Digest: entry.Digest})
	if err == nil && m.isIndex() {
		return nil, failure(Malformed, "its index points to an index")
	}
	return m, err
}

func (f *fetch) parsed(d ocispec.Descriptor) (*manifest, error) {
	b, err := f.blob(d, maxManifest)
	if err != nil {
		return nil, err
	}
	return parseManifest(b)
}

// blob reads what has a digest. A descriptor without a size is that of a manifest.
func (f *fetch) blob(d ocispec.Descriptor, limit int64) ([]byte, error) {
	if b := f.store.cache.get(d.Digest); b != nil || f.offline {
		return b, f.here(b)
	}
	if d.Size > limit {
		return nil, failure(TooLarge, "a layer has %s: an image of a plugin has nothing but the plugin", size(d.Size))
	}
	b, err := f.read(d, limit)
	if err != nil {
		return nil, err
	}
	if now := d.Digest.Algorithm().FromBytes(b); now != d.Digest {
		return nil, failure(Malformed, "what came has the digest %s, and not %s", now, d.Digest)
	}
	return b, f.keep(d.Digest, b)
}

func (f *fetch) read(d ocispec.Descriptor, limit int64) (_ []byte, err error) {
	if f.from == nil {
		if f.from, err = f.store.open(f.image); err != nil {
			return nil, err
		}
	}
	if d.Size == 0 {
		if d, err = f.from.Resolve(f.ctx, d.Digest.String()); err != nil {
			return nil, err
		}
	}
	r, err := f.from.Fetch(f.ctx, d)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return readLimited(r, limit)
}

// IsModule reports whether a file begins as a WebAssembly module does.
func IsModule(b []byte) bool { return bytes.HasPrefix(b, wasmMagic) }
