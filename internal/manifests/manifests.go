// Package manifests makes Kubernetes objects of a directory of YAML and JSON files, and keeps them up to date.
//
// In: files. Out: deltas: objects to put into the store, objects to delete from it, and problems, each with file,
// line, column, field and rule.
//
//	watcher, first, err := manifests.Open(dir, "")  // reads everything once
//	go watcher.Run(ctx)                          // then follows changes, and releases the watcher in the end
//	for delta := range watcher.Deltas() { ... }
//	delta, problems, err := manifests.Read(dir, "")  // or only look
//
// Loader is the core: a state machine without I/O or clock that turns file contents into deltas. Settler decides when
// a changed file counts. Watcher is the shell that looks at the disk.
//
// # What counts
//
// A folder with a cluster.yaml (kind Cluster) is a cluster, with everything below it. A directory without any is one
// cluster, "default". As soon as there is one, an object outside every cluster folder is an error. spillway.yaml at
// the top may hold a Configuration. Files end in .yaml, .yml or .json; names that start with a dot or end as editors'
// backups do are left out. Symbolic links are followed; a folder that several ways lead to is read once in each cluster, and
// a link back to a folder around it is reported.
//
// A directory that is replaced (copied anew, moved away and back, a release link that is switched) is followed: nothing of
// it counts until it has been quiet for 300 ms, so that nothing is deleted that is there again. While it is gone, or
// another without any manifest stands in its place, what it held stays.
//
// A file counts when its size and modification time have been stable for 20 ms. A file that cannot be parsed, and an
// object that breaks a rule, keep their last good version; so does a file of no bytes, which a shell makes before a slow
// command writes into it. An object is deleted only when its file is gone, or whole
// and valid without it. If two files hold the same object, the one that serves already keeps serving, else the first
// in order of path. A namespace that no manifest defines exists as soon as an object is in it.
//
// metadata.creationTimestamp is the manifest's, or the file's modification time when the object was first seen, or for
// what no file holds the time of loading;
// metadata.uid is a hash of cluster, kind, namespace and name; metadata.generation counts changes of anything but
// metadata and status, from 1.
package manifests
