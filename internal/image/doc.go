// Package image finds out what the images are that GCPWasmPlugins name, and has them fetched before a proxy needs them.
//
// In: the versions of the GCPWasmPlugins in the store. Out: a fact.Image for each image that they name: its digest, or why it
// cannot be had. A failure is tried again, later each time, so that what is missing heals when it appears.
//
// Core decides, and has no clock: requests, times and results go in, what is to be looked up and facts come out. Resolver is
// the shell around it, with an oci.Store:
//
//	r := image.NewResolver(image.Options{Store: store, Images: images, Wanted: extension.Images, Pins: path})
//	loop.Look = r.Look // before each round: what an earlier process had is known at once
//	go r.Run(ctx)
//
// A tag is resolved once, when its version is seen for the first time. The digests outlive the process in a file, so that a
// restart does not change what runs. Those of images on this machine (files, layouts) hold as long as these are the same.
package image
