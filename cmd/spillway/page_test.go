package main

import (
	"fmt"
	"io"
	"net/http"
	"regexp"

	"github.com/rogpeppe/go-internal/testscript"
)

// page is page URL REGEXP...: it asks until the page has a line that matches each.
func page(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: page URL REGEXP...")
	}
	attempt(ts, func() error {
		res, err := http.Get(args[0])
		if err != nil {
			return err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err != nil {
			return err
		}
		for _, want := range args[1:] {
			if ok, err := regexp.Match("(?m)^"+want+"$", text); !ok || err != nil {
				return fmt.Errorf("%s has no line that matches %s", args[0], want)
			}
		}
		return nil
	})
}
