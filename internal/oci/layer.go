package oci

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// File is a file of a plugin's image.
type File string

// The files.
const (
	Plugin File = "plugin.wasm"
	Config File = "plugin.config"
)

// maxUnpacked bounds what is unpacked of a layer while looking for a file, in bytes: little packs much.
const maxUnpacked = 64 << 20

// maxListed bounds how many names an error lists.
const maxListed = 10

// errAbsent is that of a layer that neither has the file nor removes it.
var errAbsent = errors.New("the layer does not have the file")

// wasmTypes are the media types of layers that are a module themselves.
var wasmTypes = []string{"application/vnd.module.wasm.content.layer.v1+wasm", "application/vnd.wasm.content.layer.v1+wasm", "application/wasm"}

var (
	wasmMagic = []byte("\x00asm")
	gzipMagic = []byte("\x1f\x8b")
	zstdMagic = []byte("\x28\xb5\x2f\xfd")
)

// unpacker looks for a file in layers.
type unpacker struct {
	file File
	max  int64 // of the file
	// have are names that were seen, for the error.
	have []string
}

// layer takes the file out of a layer. Media types say less than what is in it: registries and tools write what they like.
func (u *unpacker) layer(mediaType string, b []byte) ([]byte, error) {
	raw := bytes.HasPrefix(b, wasmMagic)
	switch {
	case raw && u.file == Plugin:
		return u.whole(b)
	case raw, slices.Contains(wasmTypes, mediaType):
		u.saw(string(Plugin))
		return nil, errAbsent
	case bytes.HasPrefix(b, gzipMagic):
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, failure(Malformed, "a layer is no gzip: %w", err)
		}
		return u.tar(z)
	case bytes.HasPrefix(b, zstdMagic):
		z, err := zstd.NewReader(bytes.NewReader(b), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, failure(Malformed, "a layer is no zstd: %w", err)
		}
		defer z.Close()
		return u.tar(z)
	case strings.Contains(mediaType, "tar"):
		return u.tar(bytes.NewReader(b))
	case u.file == Config: // an artifact of one file has the bare file as layer
		return u.whole(b)
	}
	u.saw("a layer of type " + mediaType)
	return nil, errAbsent
}

func (u *unpacker) whole(b []byte) ([]byte, error) {
	if int64(len(b)) > u.max {
		return nil, u.tooLarge(int64(len(b)))
	}
	return b, nil
}

func (u *unpacker) tooLarge(n int64) error {
	return failure(TooLarge, "%s has %s, at most %s are allowed", u.file, size(n), size(u.max))
}

func (u *unpacker) saw(name string) {
	if !slices.Contains(u.have, name) && len(u.have) <= maxListed {
		u.have = append(u.have, name)
	}
}

// tar looks in an archive, in which later files replace earlier ones of the same name.
func (u *unpacker) tar(r io.Reader) (found []byte, _ error) {
	limited := &io.LimitedReader{R: r, N: maxUnpacked}
	hidden := false // what lower layers have
	for t := tar.NewReader(limited); ; {
		h, tarErr := t.Next()
		switch {
		case errors.Is(tarErr, io.EOF) && found != nil:
			return found, nil
		case errors.Is(tarErr, io.EOF) && hidden:
			return nil, u.absent()
		case errors.Is(tarErr, io.EOF):
			return nil, errAbsent
		case limited.N <= 0:
			return nil, failure(TooLarge, "a layer unpacks to more than %s: an image of a plugin has nothing but %s", size(maxUnpacked), u.file)
		case tarErr != nil:
			return nil, failure(Malformed, "a layer is no tar: %w", tarErr)
		}
		switch name := strings.TrimPrefix(path.Clean("/"+h.Name), "/"); {
		case name == ".wh."+string(u.file), name == ".wh..wh..opq":
			hidden = true
		case name != string(u.file):
			if h.Typeflag != tar.TypeDir {
				u.saw(name)
			}
		case h.Typeflag != tar.TypeReg:
			return nil, failure(NoFile, "%s is no regular file in the image", u.file)
		case h.Size > u.max:
			return nil, u.tooLarge(h.Size)
		default:
			found = make([]byte, h.Size)
			if _, err := io.ReadFull(t, found); err != nil {
				return nil, failure(Malformed, "a layer is cut off: %w", err)
			}
		}
	}
}

// absent is the error of an image without the file.
func (u *unpacker) absent() error {
	have := slices.Sorted(slices.Values(u.have))
	switch {
	case len(have) == 0:
		return failure(NoFile, "there is no %s at its root: it is empty", u.file)
	case len(have) > maxListed:
		return failure(NoFile, "there is no %s at its root, but %s and more", u.file, strings.Join(have[:maxListed], ", "))
	default:
		return failure(NoFile, "there is no %s at its root, but %s", u.file, strings.Join(have, ", "))
	}
}

// size writes a number of bytes.
func size(n int64) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%d bytes", n)
	}
}
