package sample

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Outcome is what a command line of a built-in image comes to.
type Outcome struct {
	// Sleep is how long it takes.
	Sleep time.Duration
	Exit  int
}

// Script reads what little of a shell init containers and hooks of tutorials use, as nothing is executed for an image that is
// built in: sleep, true, false, echo and exit, one after the other, also below `sh -c`.
func Script(command []string) (Outcome, error) {
	var o Outcome
	if len(command) == 0 {
		return o, nil
	}
	lines := [][]string{command}
	operators := []string{";"}
	if name := command[0][strings.LastIndexByte(command[0], '/')+1:]; name == "sh" || name == "ash" || name == "bash" {
		if len(command) < 3 || !strings.HasPrefix(command[1], "-") || !strings.HasSuffix(command[1], "c") {
			return o, nil // an interactive shell ends with its input
		}
		lines, operators = statements(command[2])
	}
	for i, words := range lines {
		if len(words) == 0 || operators[i] == "&&" && o.Exit != 0 {
			continue
		}
		end, err := o.run(words)
		if err != nil || end {
			return o, err
		}
	}
	return o, nil
}

// statements splits a script into commands, each with the operator before it.
func statements(script string) (lines [][]string, operators []string) {
	operator := ";"
	for script != "" {
		end, next := len(script), ""
		for _, sign := range []string{"&&", ";", "\n"} {
			if i := strings.Index(script, sign); i >= 0 && i < end {
				end, next = i, sign
			}
		}
		lines, operators = append(lines, strings.Fields(script[:end])), append(operators, operator)
		operator = next
		script = script[min(len(script), end+len(next)):]
	}
	return lines, operators
}

// run adds one command; end is true after exit.
func (o *Outcome) run(words []string) (end bool, err error) {
	name := words[0][strings.LastIndexByte(words[0], '/')+1:]
	if strings.ContainsAny(strings.Join(words, " "), "|&<>`*?(){}\\") {
		return true, unsupportedCommand(words)
	}
	switch {
	case name == "true" || name == ":" || name == "echo":
		o.Exit = 0
	case name == "false":
		o.Exit = 1
	case name == "exit" && len(words) == 2:
		code, err := strconv.ParseUint(words[1], 10, 8)
		if err != nil {
			return true, unsupportedCommand(words)
		}
		o.Exit = int(code)
		return true, nil
	case name == "exit":
		return true, nil
	case name == "sleep" && len(words) == 2:
		text := words[1]
		if strings.Trim(text, "0123456789.") == "" {
			text += "s"
		}
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return true, unsupportedCommand(words)
		}
		o.Sleep += d
		o.Exit = 0
	default:
		return true, unsupportedCommand(words)
	}
	return false, nil
}

func unsupportedCommand(words []string) error {
	return fmt.Errorf("nothing is executed for a built-in image but sleep, true, false, echo and exit, and this is %q; "+
		"map the image to a command in spillway.yaml", strings.Join(words, " "))
}

// busybox runs what Script knows and ends.
func busybox(_ Pod, c Container) (*Backend, error) {
	outcome, err := Script(c.Args)
	if err != nil {
		return nil, err
	}
	return &Backend{Ends: &outcome}, nil
}
