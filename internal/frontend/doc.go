// Package frontend makes what clients connect to: addresses, forwarding rules, target proxies and certificates. It does so
// for a Gateway as well as for an Ingress or anything else that owns a frontend, because it knows nothing of who asks.
//
// In: an owner (the object's store.Ref) and what it asks for; Secrets, ReferenceGrants, Configurations and what other
// owners claim, through a recompute.View. Out: addresses (each a unit of its own, frontend.claim, so that two owners never
// get the same one), resources, certificates, and problems in words.
//
//	at := frontend.ReadAddresses(view, owner, []frontend.Request{{Region: "us-west1"}})
//	certificate, problem := frontend.ReadCertificate(view, cluster, from, to)
//	resources := frontend.Port{Owner: owner, VIPs: at.VIPs, ...}.Resources()
package frontend
