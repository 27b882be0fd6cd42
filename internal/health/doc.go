// Package health finds out which endpoints of a load balancer answer, as Google's health checks do.
//
// In: health checks and the addresses that they cover, taken from a config.Root. Out: verdicts (HEALTHY, UNHEALTHY,
// UNKNOWN), told to the root and to a callback. One Prober runs in each location.
//
// Core decides and has no clock and no sockets: Tick says which probes to start, Result takes how they ended and says
// which verdicts changed. Prober is the shell around it. Checks with the same settings share their probes.
//
//	p := health.NewProber(health.Options{OnVerdict: report})
//	go p.Run(ctx)
//	p.Follow(root) // after every Apply
package health
