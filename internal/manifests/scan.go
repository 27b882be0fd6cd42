package manifests

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// MaxFileSize is the size from which on a file is not read, in bytes.
const MaxFileSize = 8 << 20

// maxFolderDepth bounds how deep folders may lie in each other.
const maxFolderDepth = 64

// tree is what a scan finds. Paths are relative to the directory, with slashes.
type tree struct {
	// files are the manifest files, and whatever else needs a word to the user.
	files map[string]Stamp
	// folders maps folders to where they really are.
	folders map[string]string
	// links maps manifest files that are symbolic links to what they point to in the end.
	links map[string]string
}

// scan looks at a folder and everything below it. Links are followed; a link to a folder around it is reported.
func scan(root, folder string) (tree, error) {
	t := tree{files: map[string]Stamp{}, folders: map[string]string{}, links: map[string]string{}}
	var around []string
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return t, err
	}
	for _, part := range strings.Split(folder, "/") {
		if part == "." {
			continue
		}
		around = append(around, real)
		if real, err = filepath.EvalSymlinks(filepath.Join(real, part)); err != nil {
			return t, err
		}
	}
	if slices.Contains(around, real) {
		t.files[folder] = loopStamp(real)
		return t, nil
	}
	return t, t.walk(folder, real, around)
}

func loopStamp(real string) Stamp {
	return Stamp{Failure: Failure{RuleSymlinkLoop, fmt.Sprintf("the link leads back to %s, a folder that it lies in; not followed", real)}}
}

// walk adds one folder. around are the real paths of the folders it lies in.
func (t *tree) walk(folder, real string, around []string) error {
	t.folders[folder] = real
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	around = append(slices.Clip(around), real)
	for _, entry := range entries {
		name := path.Join(folder, entry.Name())
		if isTemporary(entry.Name()) {
			continue
		}
		t.add(name, filepath.Join(real, entry.Name()), entry.Type()&fs.ModeSymlink != 0, around)
	}
	return nil
}

func (t *tree) add(name, real string, isLink bool, around []string) {
	info, err := os.Stat(real)
	if err == nil && !info.IsDir() || err != nil && isManifestFile(name) {
		if !isManifestFile(name) {
			return
		}
		t.files[name] = stampOf(info, err)
		if target, err := filepath.EvalSymlinks(real); isLink && err == nil {
			t.links[name] = target
		}
		return
	}
	if err != nil {
		return
	}
	if isLink {
		if real, err = filepath.EvalSymlinks(real); err != nil {
			return
		}
	}
	switch {
	case slices.Contains(around, real):
		t.files[name] = loopStamp(real)
	case len(around) > maxFolderDepth:
		t.files[name] = Stamp{Failure: Failure{RuleUnreadable, fmt.Sprintf("folders lie more than %d deep", maxFolderDepth)}}
	default:
		if err := t.walk(name, real, around); err != nil {
			t.files[name] = Stamp{Failure: Failure{RuleUnreadable, reason(err)}}
		}
	}
}

// stampOf is what is compared of a file; err is os.Stat's.
func stampOf(info fs.FileInfo, err error) Stamp {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Stamp{Failure: Failure{RuleUnreadable, "the link points to nothing"}}
	case err != nil:
		return Stamp{Failure: Failure{RuleUnreadable, reason(err)}}
	case !info.Mode().IsRegular():
		return Stamp{ModTime: info.ModTime(), Failure: Failure{RuleUnreadable, "not a regular file"}}
	case info.Size() > MaxFileSize:
		return Stamp{Size: info.Size(), ModTime: info.ModTime(), Failure: Failure{
			RuleFileTooLarge, fmt.Sprintf("the file has %d bytes; files of more than %d bytes (%d MiB) are not read", info.Size(), MaxFileSize, MaxFileSize>>20),
		}}
	}
	return Stamp{Size: info.Size(), ModTime: info.ModTime()}
}

// look is the stamp of one path now; it is Missing if there is nothing. A folder has one only if it is not read.
func look(root, name string) Stamp {
	full := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Lstat(full); errors.Is(err, fs.ErrNotExist) {
		return Stamp{}
	}
	info, err := os.Stat(full)
	if err == nil && info.IsDir() {
		t, err := scan(root, name)
		if err != nil {
			return Stamp{Failure: Failure{RuleUnreadable, reason(err)}}
		}
		return t.files[name]
	}
	return stampOf(info, err)
}
