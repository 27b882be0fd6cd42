// Package passive finds out from exchanges whether extensions work: what passive health checks are for endpoints.
//
// In: for each exchange of an extension, that it did its part, or why not. Out: the extensions that keep failing, each with the
// cause of its last failure. An extension that works costs one atomic load an exchange; only those that fail are looked at, each
// half second.
//
//	records := passive.New(func() { tell(records.Failing()) })
//	go records.Run(ctx)
//	r := records.Record(passive.Use{...}, "what it is made of")
//	r.Failed("connect", "connection refused")
//	r.Worked()
package passive
