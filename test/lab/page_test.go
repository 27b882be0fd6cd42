package lab

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	const page = "# Title\n```console\nspillway lab up\n```\n```sh\nkubectl apply -f a\nkubectl get x\n```\nIt says\n```text\na created\n```\n```sh\nkubectl get x\n```\n"
	steps, err := Parse(page)
	want := []Step{{Line: 6, Commands: "kubectl apply -f a\nkubectl get x", Want: "a created", Shows: true}, {Line: 14, Commands: "kubectl get x"}}
	if err != nil || !slices.Equal(steps, want) {
		t.Fatalf("%+v, %v", steps, err)
	}
	if !steps[0].Changes() || steps[1].Changes() {
		t.Error("what asks changes something, or the other way round")
	}
	for wrong, why := range map[string]string{"```text\nx\n```": "no commands print this", "```sh\nx": "no end"} {
		if _, err := Parse(wrong); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}
