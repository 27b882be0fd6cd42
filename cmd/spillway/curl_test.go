package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// request is what the script's curl is asked for.
type request struct {
	host, url string
	status    int
	body      *string
	text      string // a regular expression
	header    string
	fields    []string
	times     int
}

// curl is curl [-host H] [-status N] [-body TEXT] [-text REGEXP] [-header K:V] [-field KEY=REGEXP] [-times N] URL: it asks until the
// answer is as described, byte by byte, and then N-1 times more, all of which have to be so at once.
func curl(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("curl cannot be negated")
	}
	r, err := parseRequest(args)
	ts.Check(err)
	attempt(ts, r.check)
	for range r.times - 1 {
		ts.Check(r.check())
	}
}

func parseRequest(args []string) (request, error) {
	r := request{status: http.StatusOK, times: 1}
	for len(args) > 1 {
		value := args[1]
		switch args[0] {
		case "-host":
			r.host = value
		case "-status":
			r.status, _ = strconv.Atoi(value)
		case "-times":
			r.times, _ = strconv.Atoi(value)
		case "-body":
			r.body = &value
		case "-text":
			r.text = value
		case "-header":
			r.header = value
		case "-field":
			r.fields = append(r.fields, value)
		default:
			return r, fmt.Errorf("curl: flag %s is not known", args[0])
		}
		args = args[2:]
	}
	if len(args) != 1 {
		return r, fmt.Errorf("curl: a URL is missing")
	}
	r.url = args[0]
	return r, nil
}

func (r request) check() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, nil)
	if err != nil {
		return err
	}
	if r.host != "" {
		req.Host = r.host
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return r.compare(resp, body)
}

func (r request) compare(resp *http.Response, body []byte) error {
	if resp.StatusCode != r.status {
		return fmt.Errorf("%s: status %d, want %d; body %q", r.url, resp.StatusCode, r.status, body)
	}
	if r.body != nil && !bytes.Equal(body, []byte(*r.body)) {
		return fmt.Errorf("%s: body %q, want %q", r.url, body, *r.body)
	}
	if matched, err := regexp.Match("^(?:"+r.text+")$", body); r.text != "" && (err != nil || !matched) {
		return fmt.Errorf("%s: body %q, want it to match %s", r.url, body, r.text)
	}
	if key, want, ok := strings.Cut(r.header, ":"); ok && resp.Header.Get(key) != want {
		return fmt.Errorf("%s: header %s is %q, want %q", r.url, key, resp.Header.Get(key), want)
	}
	if len(r.fields) == 0 {
		return nil
	}
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %w: %q", r.url, err, body)
	}
	for _, field := range r.fields {
		key, pattern, _ := strings.Cut(field, "=")
		if matched, err := regexp.MatchString("^(?:"+pattern+")$", fmt.Sprint(answer[key])); err != nil || !matched {
			return fmt.Errorf("%s: field %s is %v, want %s", r.url, key, answer[key], pattern)
		}
	}
	return nil
}
