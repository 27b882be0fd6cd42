// Package ads is the Sink over the wire: it gives proxies in other processes what is published, by delta ADS, and hears from
// them how far they have come.
//
// In: the control plane's transactions, and proxies that connect. Out: to each proxy what its region needs (package subset),
// resource by resource with versions; to the Feedback, which data planes there are, how far each has come, and the verdicts of
// their probers.
//
//	server := ads.New(ads.Config{Feedback: loop, Logger: log})
//	server.Register(grpcServer)
//	loop.To(server)
//
// The protocol (package wire has its words; package client is the other end):
//
//   - A proxy opens a DeltaAggregatedResources stream for the one type wire.TypeURL, with a wildcard, its node's id and
//     locality, and the versions that it has. It is answered with the differences, even if there are none.
//   - One response is under way at a time, in parts of bounded size; what changes meanwhile is one next response. The
//     system_version_info is the number of the transaction that a response leads to; parts that are not the last have a "+" behind it.
//   - A proxy acknowledges when the response is in force, and refuses it (error_detail) when some of its resources are not: those
//     stay as they were, all others are in force.
//   - On a second stream it sends Words (api/fleet/v1): reports, and verdicts; each is answered when it was taken. A proxy that is owed an
//     answer, or the rest of a response, for too long leaves for another controller, and asks a silent one by an empty Word.
//   - Versions are of the content alone: any controller that has seen the same objects goes on where another one ended.
package ads
