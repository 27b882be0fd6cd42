// Package imports holds the first rule of the layout: imports go one way. Its test reads the module's import graph, and wants a
// rule for each package.
package imports
