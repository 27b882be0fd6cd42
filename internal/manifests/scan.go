package manifests

import (
	"context"
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

// limits bound a scan, so that no links and no mounted tree can make it endless.
type limits struct {
	depth, folders, files int
}

// usualLimits are far above what anybody has in one directory, and take about a second to reach.
var usualLimits = limits{depth: 64, folders: 20_000, files: 200_000}

// tree is what a scan finds. Paths are relative to the directory, with slashes.
type tree struct {
	// files are the manifest files, and whatever else needs a word to the user.
	files map[string]Stamp
	// folders maps folders to where they really are.
	folders map[string]string
	// links maps manifest files that are symbolic links to what they point to in the end.
	links map[string]string
	// linked says that links to folders were found and not followed: only a scan of everything follows them.
	linked bool
	// partial says that a limit was reached, so that what was not found may be there.
	partial bool
}

// scanner is one scan in the making. Every folder is read once for each cluster that it belongs to, by whichever of
// the ways to it comes first: folders before links. So links that lead in circles, or from each folder to all others,
// cost what the folders cost.
type scanner struct {
	tree
	ctx    context.Context
	limits limits
	root   string // the real path of the directory
	seen   map[visit]bool
	queue  []folderLink
}

// visit is a folder that was read, as part of a cluster. Cluster folders are visited as part of none.
type visit struct {
	cluster, real string
}

// inside is where a folder lies.
type inside struct {
	cluster string   // the nearest folder with a cluster.yaml, "" without
	around  []string // the real paths of the folders that it lies in
}

// folderLink is a link to a folder, to be followed once all folders are read.
type folderLink struct {
	name, target string
	inside       inside
}

// scan looks at everything in a directory, and follows links.
func scan(ctx context.Context, root string) (tree, error) {
	return usualLimits.scan(ctx, root, ".")
}

// scanFolder looks at a folder and what is below it, and follows no link to a folder.
func scanFolder(ctx context.Context, root, folder string) (tree, error) {
	return usualLimits.scan(ctx, root, folder)
}

func (l limits) scan(ctx context.Context, root, folder string) (tree, error) {
	s := &scanner{
		tree: tree{files: map[string]Stamp{}, folders: map[string]string{}, links: map[string]string{}},
		ctx:  ctx, limits: l, seen: map[visit]bool{},
	}
	var err error
	if s.root, err = realPath(root); err != nil {
		return s.tree, err
	}
	real, err := filepath.EvalSymlinks(filepath.Join(s.root, filepath.FromSlash(folder)))
	if err != nil {
		return s.tree, err
	}
	if err := s.walk(folder, real, inside{}); err != nil {
		return s.tree, err
	}
	if folder == "." {
		s.followLinks()
	} else {
		s.linked = len(s.queue) > 0
	}
	return s.tree, ctx.Err()
}

// realPath is where a path leads, from the root of the file system: links are compared with it.
func realPath(name string) (string, error) {
	absolute, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(absolute)
}

// followLinks walks the folders that links lead to, those that they lead to in turn included.
func (s *scanner) followLinks() {
	for len(s.queue) > 0 {
		l := s.queue[0]
		s.queue = s.queue[1:]
		if slices.Contains(l.inside.around, l.target) || liesIn(s.root, l.target) {
			s.files[l.name] = failed(RuleSymlinkLoop, fmt.Sprintf("the link leads back to %s, a folder that it lies in; not followed", l.target))
			continue
		}
		if err := s.walk(l.name, l.target, l.inside); err != nil {
			s.files[l.name] = failed(RuleUnreadable, reason(err))
		}
	}
}

// liesIn says whether a path is a folder or lies in it.
func liesIn(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, string(filepath.Separator))+string(filepath.Separator))
}

func failed(rule, message string) Stamp { return Stamp{Failure: Failure{rule, message}} }

// walk adds one folder and those below it.
func (s *scanner) walk(folder, real string, in inside) error {
	if s.ctx.Err() != nil {
		return nil // the scan says so in the end
	}
	if len(s.folders) >= s.limits.folders {
		s.stop(fmt.Sprintf("there are more than %d folders; the rest is not read", s.limits.folders))
		return nil
	}
	entries, err := os.ReadDir(real)
	if err != nil {
		return err
	}
	key := visit{in.cluster, real}
	if slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return e.Name() == ClusterFile }) {
		key, in.cluster = visit{"", real}, folder
	}
	if s.seen[key] {
		return nil
	}
	s.seen[key] = true
	s.folders[folder] = real
	in.around = append(slices.Clip(in.around), real)
	for _, entry := range entries {
		if !isTemporary(entry.Name()) {
			s.add(path.Join(folder, entry.Name()), filepath.Join(real, entry.Name()), entry, in)
		}
	}
	return nil
}

// stop says once that a limit was reached.
func (s *scanner) stop(message string) {
	s.partial = true
	s.files["."] = failed(RuleTooMany, message)
}

func (s *scanner) add(name, real string, entry fs.DirEntry, in inside) {
	isLink := entry.Type()&fs.ModeSymlink != 0
	if !isLink && !entry.IsDir() && !isManifestFile(name) {
		return
	}
	info, err := os.Stat(real)
	if err != nil || !info.IsDir() {
		s.addFile(name, real, isLink, info, err)
		return
	}
	switch {
	case len(in.around) > s.limits.depth:
		s.files[name] = failed(RuleTooMany, fmt.Sprintf("folders lie more than %d deep; not read", s.limits.depth))
	case isLink:
		if target, err := filepath.EvalSymlinks(real); err == nil {
			s.queue = append(s.queue, folderLink{name, target, in})
		}
	default:
		if err := s.walk(name, real, in); err != nil {
			s.files[name] = failed(RuleUnreadable, reason(err))
		}
	}
}

func (s *scanner) addFile(name, real string, isLink bool, info fs.FileInfo, err error) {
	if !isManifestFile(name) {
		return
	}
	if len(s.files) >= s.limits.files {
		s.stop(fmt.Sprintf("there are more than %d files; the rest is not read", s.limits.files))
		return
	}
	s.files[name] = stampOf(info, err)
	if target, err := filepath.EvalSymlinks(real); isLink && err == nil {
		s.links[name] = target
	}
}

// stampOf is what is compared of a file; err is os.Stat's.
func stampOf(info fs.FileInfo, err error) Stamp {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return failed(RuleUnreadable, "the link points to nothing")
	case err != nil:
		return failed(RuleUnreadable, reason(err))
	case !info.Mode().IsRegular():
		return Stamp{ModTime: info.ModTime(), Failure: Failure{RuleUnreadable, "not a regular file"}}
	case info.Size() > MaxFileSize:
		return Stamp{Size: info.Size(), ModTime: info.ModTime(), Failure: Failure{
			RuleFileTooLarge, fmt.Sprintf("the file has %d bytes; files of more than %d bytes (%d MiB) are not read", info.Size(), MaxFileSize, MaxFileSize>>20),
		}}
	}
	return Stamp{Size: info.Size(), ModTime: info.ModTime()}
}

// look is the stamp of one file now; it is Missing if there is nothing, or a folder.
func look(root, name string) Stamp {
	full := filepath.Join(root, filepath.FromSlash(name))
	if _, err := os.Lstat(full); errors.Is(err, fs.ErrNotExist) {
		return Stamp{}
	}
	info, err := os.Stat(full)
	if err == nil && info.IsDir() {
		return Stamp{}
	}
	return stampOf(info, err)
}
