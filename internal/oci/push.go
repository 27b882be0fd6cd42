package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	layout "oras.land/oras-go/v2/content/oci"
)

// Push makes an image that has nothing but a file, as a Dockerfile with FROM scratch and one COPY does, and gives its digest.
// The image may be in a registry or in an oci-layout, which is made where there is none. The same file makes the same digest.
func (s *Store) Push(ctx context.Context, image string, file File, b []byte) (string, error) {
	i, err := ParseImage(image)
	if err != nil {
		return "", err
	}
	d, err := s.push(ctx, i, file, b)
	if err != nil {
		return "", worded(i, err)
	}
	return d.Digest.String(), nil
}

// target takes images.
type target interface {
	content.Storage
	content.TagResolver
}

func (s *Store) push(ctx context.Context, i Image, file File, b []byte) (d ocispec.Descriptor, err error) {
	switch {
	case i.Digest != "":
		return d, failure(Invalid, "it is pushed to a tag: leave the digest out")
	case i.Host == "" && !i.Layout:
		return d, failure(Invalid, "a file is no place to push to: copy it")
	case file == Plugin && !IsModule(b):
		return d, failure(Malformed, "the file is no WebAssembly module")
	case int64(len(b)) > s.max:
		return d, (&unpacker{file: file, max: s.max}).tooLarge(int64(len(b)))
	}
	to, err := s.target(i)
	if err != nil {
		return d, err
	}
	blobs, err := pack(file, b)
	if err != nil {
		return d, err
	}
	for _, p := range blobs {
		if err := p.push(ctx, to); err != nil {
			return d, err
		}
	}
	tag := i.Tag
	if tag == "" {
		tag = "latest"
	}
	d = blobs[len(blobs)-1].desc
	return d, to.Tag(ctx, d, tag)
}

func (s *Store) target(i Image) (target, error) {
	if i.Layout {
		return layout.New(i.below(s.base))
	}
	return s.repository(i)
}

// part is a blob with its descriptor.
type part struct {
	desc ocispec.Descriptor
	b    []byte
}

func newPart(mediaType string, b []byte) part {
	return part{content.NewDescriptorFromBytes(mediaType, b), b}
}

func (p part) push(ctx context.Context, to content.Storage) error {
	if there, err := to.Exists(ctx, p.desc); err != nil || there {
		return err
	}
	return to.Push(ctx, p.desc, bytes.NewReader(p.b))
}

// pack makes layer, configuration and manifest, the manifest last.
func pack(file File, b []byte) ([]part, error) {
	archive, packed, err := layerOf(file, b)
	if err != nil {
		return nil, err
	}
	layer := newPart(ocispec.MediaTypeImageLayerGzip, packed)
	config, err := json.Marshal(ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"},
		RootFS:   ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(archive)}},
	})
	if err != nil {
		return nil, err
	}
	about := newPart(ocispec.MediaTypeImageConfig, config)
	m, err := json.Marshal(ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    about.desc,
		Layers:    []ocispec.Descriptor{layer.desc},
	})
	if err != nil {
		return nil, err
	}
	return []part{layer, about, newPart(ocispec.MediaTypeImageManifest, m)}, nil
}

// layerOf is a tar with the file, and the same packed. Nothing of the time or the user is in it.
func layerOf(file File, b []byte) (archive, packed []byte, err error) {
	var plain, zipped bytes.Buffer
	t := tar.NewWriter(&plain)
	if err := t.WriteHeader(&tar.Header{Name: string(file), Mode: 0o644, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
		return nil, nil, err
	}
	if _, err := t.Write(b); err != nil {
		return nil, nil, err
	}
	if err := t.Close(); err != nil {
		return nil, nil, err
	}
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write(plain.Bytes()); err != nil {
		return nil, nil, err
	}
	err = z.Close()
	return plain.Bytes(), zipped.Bytes(), err
}
