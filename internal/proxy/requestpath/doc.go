// Package requestpath reads the paths of requests, so that the proxy's rules and the backend behind them agree on what is asked for.
//
// In: a target in origin form. Out: the target without dot segments (Normalize), and how rules are to read it (Policy.Read): a path that
// is written in a way that some backends take for another one is matched as that other one, and still sent as it was written, unless the
// policy says otherwise.
//
//	path = requestpath.Normalize(path)
//	reading, err := policy.Read(path, nil)
package requestpath
