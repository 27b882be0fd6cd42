// Package controller looks after network endpoint groups while a control plane runs: it is the shell around the cores of packages
// syncer, readiness and garbage, with the clock, the store and the writer.
//
// In: the reports of package neg, as an applier of rounds; what is published; Pods and verdicts of the store. Out: events,
// conditions of readiness gates, and facts that the units of package neg read.
//
//	negs := controller.New(controller.Options{Store: s, Writer: writer, Model: model, Published: kept, Now: time.Now})
//	loop := controlplane.New(controlplane.Config{Applier: negs, ...})
//	go negs.Run(ctx)
package controller
