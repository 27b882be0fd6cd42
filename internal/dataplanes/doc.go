// Package dataplanes runs the data planes of one process: a proxy and a prober at each location.
//
// In: the wanted locations and the control plane's transactions, one after the other, from the first. Out: proxies that
// listen; to the Feedback, how far each location has come. A location gets of each transaction what its forwarding rules
// reach (package subset).
//
//	planes := dataplanes.New(dataplanes.Config{Feedback: loop, Logger: log})
//	planes.Follow(locations)
//	planes.Apply(tx)
//	err := planes.Drain(30 * time.Second)
//
// It knows the model only, and links nothing of Kubernetes.
package dataplanes
