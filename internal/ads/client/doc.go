// Package client is the proxy's end of the fleet's protocol (package ads): it takes what its region needs from a controller, says
// how far it has come, and keeps the last good state over a restart.
//
// In: controllers' addresses, and what the data plane reports. Out: transactions for the data plane, numbered by the client itself, so that
// they count on whichever controller it is connected to.
//
//	c := client.New(client.Config{Controllers: []string{"spillway:15010"}, Node: node, Apply: planes.Apply, ...})
//	planes := dataplanes.New(dataplanes.Config{Feedback: c, ...})
//	err := c.Run(ctx)
//
// While no controller answers, what is in force stays in force. It links nothing of Kubernetes.
package client
