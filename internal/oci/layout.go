package oci

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	layout "oras.land/oras-go/v2/content/oci"
)

// diskLayout is an OCI layout, or the tar of one.
type diskLayout struct {
	content.Fetcher
	index ocispec.Index
}

func openLayout(at place) (source, error) {
	info, err := at.stat()
	if err != nil {
		return nil, err
	}
	l := &diskLayout{}
	var index []byte
	switch {
	case info.IsDir():
		l.Fetcher = layout.NewStorageFromFS(tree{at})
		index, err = at.at(ocispec.ImageIndexFile).read(maxManifest)
	case !info.Mode().IsRegular():
		err = failure(Invalid, "%s is no regular file", at.name)
	default:
		var a *archive
		if a, err = openArchive(at); err == nil {
			l.Fetcher = layout.NewStorageFromFS(a)
			index, err = indexOfTar(a)
		}
	}
	if err == nil {
		err = json.Unmarshal(index, &l.index)
	}
	if err != nil {
		return nil, failure(Malformed, "this is no OCI layout: %w", err)
	}
	return l, nil
}

func readLimited(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, failure(TooLarge, "it has more than %s", size(limit))
	}
	return b, err
}

func indexOfTar(a *archive) ([]byte, error) {
	f, err := a.Open(ocispec.ImageIndexFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failure(Malformed, "the tar has no %s", ocispec.ImageIndexFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimited(f, maxManifest)
}

// Resolve implements content.Resolver. Without a tag it is the one image that the layout has.
func (l *diskLayout) Resolve(_ context.Context, wanted string) (ocispec.Descriptor, error) {
	if wanted == "" {
		return choose(l.index.Manifests)
	}
	var tags []string
	for _, d := range l.index.Manifests {
		tag := d.Annotations[ocispec.AnnotationRefName]
		if tag == wanted || d.Digest.String() == wanted {
			return d, nil
		}
		if tag != "" {
			tags = append(tags, tag)
		}
	}
	if strings.Contains(wanted, ":") { // what an index of the layout points to
		return ocispec.Descriptor{Digest: digest.Digest(wanted)}, nil
	}
	if slices.Sort(tags); len(tags) > 0 {
		return ocispec.Descriptor{}, failure(NotFound, "the layout has no tag %q, but %s", wanted, strings.Join(tags, ", "))
	}
	return ocispec.Descriptor{}, failure(NotFound, "the layout has no tag %q, nor others: leave the tag out", wanted)
}
