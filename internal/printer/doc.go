// Package printer prints objects as kubectl does, to the letter where it matters: tables per kind, -o json, yaml, name,
// jsonpath, custom-columns and go-template, and describe.
//
// In: kinds by any of the names a user types (Lookup), objects as unstructured content. Out: text. It does no I/O but
// to the io.Writer it is given, and time comes in as an argument.
//
//	kind, err := printer.Lookup("svc")
//	err = printer.Table(os.Stdout, []printer.List{{Kind: kind, Objects: objects}}, printer.TableOptions{Now: time.Now()})
package printer
