package oci

import (
	"net/netip"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/opencontainers/go-digest"
	"oras.land/oras-go/v2/registry"
)

// Prefixes of images that are on disk.
const (
	layoutPrefix = "oci-layout:"
	filePrefix   = "file:"
)

// Image is a name that was read.
type Image struct {
	text string
	// Host is the registry's; empty for what is on disk.
	Host string
	// Repository is the path in the registry.
	Repository string
	// Path is that of a layout or a file.
	Path string
	// Layout says that Path is a layout.
	Layout bool
	// Tag and Digest are what is wanted of it. A digest wins over a tag.
	Tag    string
	Digest digest.Digest
}

func (i Image) String() string { return i.text }

// generic is how Google names what is in a repository of generic artifacts, which is no container registry.
var generic = regexp.MustCompile(`^(?:https?://.*/)?projects/[^/]+/locations/[^/]+/repositories/[^/]+/genericArtifacts/`)

// ParseImage reads the name of an image.
func ParseImage(text string) (Image, error) {
	i := Image{text: text}
	var err error
	switch {
	case text == "":
		return i, worded(i, failure(Invalid, "there is no name"))
	case generic.MatchString(text):
		err = failure(Invalid, "generic artifacts are reached by Google's own interface only: push the file as an image, with spillway wasm push")
	case strings.Contains(text, "://"):
		err = failure(Invalid, "images are named without a scheme: write HOST/REPOSITORY:TAG")
	case strings.HasPrefix(text, filePrefix):
		i.Path = strings.TrimPrefix(text, filePrefix)
	case strings.HasPrefix(text, layoutPrefix):
		i.Layout = true
		err = i.layout(strings.TrimPrefix(text, layoutPrefix))
	default:
		err = i.remote(text)
	}
	if err == nil && i.Host == "" && i.Path == "" {
		err = failure(Invalid, "there is no path")
	}
	if err != nil {
		return i, worded(i, err)
	}
	return i, nil
}

// layout reads DIR, DIR:TAG or DIR@DIGEST.
func (i *Image) layout(s string) error {
	path, sum, found := strings.Cut(s, "@")
	if found {
		return i.pin(path, sum)
	}
	i.Path = s
	if at := strings.LastIndex(s, ":"); at >= 0 && !strings.ContainsAny(s[at:], `/\`) {
		i.Path, i.Tag = s[:at], s[at+1:]
	}
	return nil
}

func (i *Image) pin(path, sum string) (err error) {
	i.Path = path
	i.Digest, err = digest.Parse(sum)
	if err != nil {
		return failure(Invalid, "%q is no digest: %w", sum, err)
	}
	return nil
}

// remote reads HOST/REPOSITORY with :TAG, @DIGEST or both. There is no default registry, as Google has none.
func (i *Image) remote(s string) error {
	name, sum, pinned := strings.Cut(s, "@")
	if pinned {
		if err := i.pin("", sum); err != nil {
			return err
		}
	}
	host, _, slash := strings.Cut(name, "/")
	if !slash || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return failure(Invalid, "the name of an image begins with the host of its registry, as in us-docker.pkg.dev/PROJECT/REPOSITORY/NAME:TAG")
	}
	r, err := registry.ParseReference(name)
	if err != nil {
		return failure(Invalid, "it is not written HOST/REPOSITORY:TAG: %w", err)
	}
	i.Host, i.Repository, i.Tag = r.Registry, r.Repository, r.Reference
	if i.Tag == "" && !pinned {
		i.Tag = "latest"
	}
	return nil
}

// wanted is the tag or digest to ask for.
func (i Image) wanted() string {
	if i.Digest != "" {
		return i.Digest.String()
	}
	return i.Tag
}

// below makes relative paths those below a directory.
func (i Image) below(dir string) string {
	if filepath.IsAbs(i.Path) {
		return filepath.Clean(i.Path)
	}
	return filepath.Join(dir, i.Path)
}

// loopback reports whether a registry is on this host: those need no TLS.
func loopback(host string) bool {
	name := host
	if at := strings.LastIndex(host, ":"); at >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:at]
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || err == nil && ip.Unmap().IsLoopback()
}
