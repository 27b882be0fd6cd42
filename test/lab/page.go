package lab

import (
	"fmt"
	"regexp"
	"strings"
)

// Step is one block of commands of a page.
type Step struct {
	Line     int // of the page, where the commands begin
	Commands string
	Want     string // what they print; nothing is compared if Shows is false
	Shows    bool
}

// The languages of blocks.
const (
	run   = "sh"
	shown = "text"
	fence = "```"
)

// Parse reads the steps of a page.
func Parse(page string) ([]Step, error) {
	var steps []Step
	language, start, block := "", 0, []string(nil)
	for i, line := range strings.Split(page, "\n") {
		opens, isFence := strings.CutPrefix(line, fence)
		switch {
		case !isFence && start > 0:
			block = append(block, line)
		case isFence && start == 0:
			language, start, block = strings.TrimSpace(opens), i+2, nil
		case isFence:
			var err error
			if steps, err = add(steps, language, start, strings.Join(block, "\n")); err != nil {
				return nil, err
			}
			start = 0
		}
	}
	if start > 0 {
		return nil, fmt.Errorf("line %d: the block has no end", start-1)
	}
	return steps, nil
}

func add(steps []Step, language string, line int, block string) ([]Step, error) {
	switch language {
	case run:
		return append(steps, Step{Line: line, Commands: block}), nil
	case shown:
		if len(steps) == 0 || steps[len(steps)-1].Shows {
			return nil, fmt.Errorf("line %d: no commands print this", line)
		}
		last := &steps[len(steps)-1]
		last.Want, last.Shows = block, true
	}
	return steps, nil
}

var changing = regexp.MustCompile(`\bkubectl (apply|create|delete|replace|scale|set|patch|label|annotate|drain|cordon|uncordon|rollout (restart|undo))\b|\bspillway (lab|fleet) [a-z]`)

// Changes says that the commands do more than ask, so that they may be run once only.
func (s Step) Changes() bool { return changing.MatchString(s.Commands) }
