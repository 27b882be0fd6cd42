// Package view is what the command line and the start screen show of a running control plane: the published model by kind,
// where to curl, what is healthy, which clusters there are.
//
// In: transactions as they are published, store snapshots, and the sockets of data planes. Out: answers, as internal/control
// passes them on.
//
//	m := view.NewModel()
//	m.Apply(tx)
//	source := &view.Source{Store: s, Model: m, Sockets: planes.Sockets, ...}
//	for _, u := range source.URLs() { fmt.Println(u.URL) }
//
// It changes nothing.
package view
