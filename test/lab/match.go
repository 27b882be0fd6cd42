package lab

import (
	"fmt"
	"regexp"
	"strings"
)

// skipped is a line of a page that stands for any number of lines.
const skipped = "..."

// volatile are texts that differ from run to run, by what stands for them. The order counts.
var volatile = []struct {
	text *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ?`), "TIME"},
	{regexp.MustCompile(`(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (GMT|[+-]\d{4})`), "TIME"},
	{regexp.MustCompile(`[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}`), "UID"},
	{regexp.MustCompile(`Resource Version: +\d+`), "Resource Version: N"},
	{regexp.MustCompile(`Generation: +\d+`), "Generation: N"},
	{regexp.MustCompile(`"pod_name_emoji": "[^"]*"`), `"pod_name_emoji": "EMOJI"`},
	{regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}\b`), "IP"},
	{regexp.MustCompile(`\b(\d+[smhd]){1,2}( ago)?\b( \(x\d+ over (\d+[smhd]){1,2}\))?|<(unknown|invalid)>`), "AGE"},
	{regexp.MustCompile(`pool-[0-9a-f]{8}-[0-9a-z]{4}\b`), "pool-NODE"},
	{regexp.MustCompile(`-[0-9a-f]{6,10}-[0-9a-z]{5}\b`), "-POD"},                                     // of a ReplicaSet
	{regexp.MustCompile(`\bk8s([12])-(\w+-)?[0-9a-z]{8}-(.+?)-[0-9a-z]{8}\b`), "k8s$1-$2UID-$3-HASH"}, // of Ingresses and NEGs
	{regexp.MustCompile(`\bgkegw1-[0-9a-z]{4}-`), "gkegw1-UID-"},
	{regexp.MustCompile(`\bgke(mcg|gw)1-([^\s,/]+?)-[0-9a-z]{12}\b`), "gke${1}1-$2-HASH"},
	{regexp.MustCompile(`-+`), "-"}, // columns are as wide as what is in them
	{regexp.MustCompile(`\s+`), " "},
}

// canonical is a line without what differs from run to run.
func canonical(line string) string {
	for _, v := range volatile {
		line = v.text.ReplaceAllString(line, v.as)
	}
	return strings.TrimSpace(line)
}

func canonicalLines(text string) []string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = canonical(lines[i])
	}
	return lines
}

// Compare returns an error if what was printed is not what a page shows.
func Compare(shows, printed string) error {
	want, got := canonicalLines(shows), canonicalLines(printed)
	// reached[i] says that some way of filling the gaps matches the first i lines; farthest is for the error.
	at, farthest := []int{0}, 0
	for n, line := range want {
		var next []int
		for _, i := range at {
			switch {
			case line == skipped:
				for j := i; j <= len(got); j++ {
					next = append(next, j)
				}
			case i < len(got) && got[i] == line:
				next = append(next, i+1)
			}
			if line == skipped {
				break // the first one has all that the others have
			}
		}
		if len(next) == 0 {
			return fmt.Errorf("it does not print line %d of what is shown after its first %d lines: %s", n+1, farthest, line)
		}
		at, farthest = next, next[0]
	}
	for _, i := range at {
		if i == len(got) {
			return nil
		}
	}
	return fmt.Errorf("it prints more than is shown, from line %d on: %s", at[len(at)-1]+1, got[at[len(at)-1]])
}
