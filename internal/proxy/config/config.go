// Package config compiles the load balancer model into what a proxy runs on.
//
// In: transactions of lb resources. Out: a Root, which never changes; a request pins the one it started on. Apply makes the
// next Root at a cost proportional to the transaction, or refuses the transaction as a whole and names what is wrong with
// which resource. A controller runs the same code before it publishes.
//
//	root := config.New(config.Location{Region: "us-west1", Zone: "us-west1-a"})
//	next, err := root.Apply(tx)        // err is a *Refused
//	prober.Follow(next)                // health.Prober: probes what is new
//	... wait, bounded, until len(next.Awaiting()) == 0 ...
//	current.Store(next)
//	next.TargetProxy(frontend.TargetProxy).Map.Match(req)
package config
