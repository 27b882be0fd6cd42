// Package oci brings the files of plugins: plugin.wasm, and plugin.config, out of container images.
//
// In: the name of an image. Out: the digest that its tag means now, and the file in the image of a digest. What was fetched
// is kept on disk by digest, so that what has run once runs again without its registry.
//
//	store := oci.NewStore(oci.Options{Dir: dir})
//	digest, err := store.Resolve(ctx, "europe-docker.pkg.dev/p/r/plugin:v1")
//	wasm, err := store.Fetch(ctx, "europe-docker.pkg.dev/p/r/plugin:v1", digest, oci.Plugin)
//
// An image is what a registry has (docker and OCI types, indexes, the single wasm layer of Istio, artifacts of any layer
// type), or oci-layout:DIR[:TAG] for a layout on disk or its tar, or file:PATH for the bare file. Everything is checked
// against its digest, whoever sent it, and read to a limit, packed and unpacked. Errors are *Error, with words for a condition.
//
// Push makes an image of a file. Package registry serves images.
package oci
