package main

import (
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// distinct is distinct N URL: it asks a hundred times until the answers are of exactly N kinds.
func distinct(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: distinct N URL")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	attempt(ts, func() error {
		found := map[string]int{}
		for range 100 {
			resp, err := http.Get(args[1])
			if err != nil {
				return err
			}
			body, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close() // it has been read
			if err != nil {
				return err
			}
			found[string(body)]++
		}
		if len(found) != want {
			return fmt.Errorf("%d kinds of answers: %v", len(found), found)
		}
		return nil
	})
}
