// Package variable knows the variables that header values may have, such as {client_region}: Google's, of custom headers.
//
// In: a header's value, once, when it is compiled. Out: a Template, whose variables an exchange fills in for each request; or an
// error that names a variable which does not exist.
//
//	{client_region}     a variable: a name of small letters, digits and underscores between braces
//	{{client_region}}   the text {client_region}
//	{"group": {"a":1}}  as it stands: no name is between its braces. `}}` is one brace only where `{{` began it
//
//	t, err := variable.Parse("{client_region},{client_city}") // t is nil for a value without variables
//	value := t.Append(nil, source)
package variable
