// Package geo tells where addresses are, by databases in MaxMind's format (.mmdb).
//
// In: the files that are to be used, again and again; addresses. Out: country, subdivision and city of an address, in the forms that
// Google's load balancers write them in; nothing where that is not known.
//
//	d := &geo.Databases{Logger: logger}
//	d.Use([]string{"/var/lib/GeoLite2-City.mmdb"}) // reads what is new or has changed
//	d.Find("/var/lib/GeoLite2-City.mmdb", address).Region
//
// A database is read into memory: one that were mapped would end the process when somebody writes over the file.
package geo
