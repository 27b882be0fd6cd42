// Package trouble says what is not in order about an object: what controllers wrote in its conditions, and what no status
// can say, because nobody writes one: parents that are not there, classes of others, containers that do not start.
//
// In: a snapshot and an entry of it. Out: troubles, each with the field or the place that it is about, in words that are
// the same wherever they are shown: by `serve` as it happens, by `validate` with file and line, by `get -o wide` and
// `describe`.
//
//	for _, t := range trouble.Of(snapshot, entry) {
//		fmt.Println(t) // spec.parentRefs[0]: Gateway "default/web" not found
//	}
package trouble
