package gcloud

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Condition says whether a resource fits.
type Condition func(fields map[string]any) bool

// filterParser reads gcloud's filter language, for the lowest precedence first: terms side by side, OR, AND, NOT.
type filterParser struct {
	rest string
	// api is the language of the Compute API: case counts, and it has the operators eq and ne with a regular expression.
	api bool
	// open is how many parentheses are around.
	open int
}

// parseFilter returns nil for a filter that every resource fits.
func parseFilter(typed string) (Condition, error) {
	return (&filterParser{rest: strings.TrimSpace(typed)}).all()
}

// ParseFilter reads the filter parameter of an API's list method, in both of its forms: name = web AND size > 1, name eq web.*
// It returns nil for a filter that every resource fits.
func ParseFilter(typed string) (Condition, error) {
	return (&filterParser{rest: strings.TrimSpace(typed), api: true}).all()
}

// maxFilter bounds a filter, in bytes, and so how deep it may nest: whoever can send a request can send one.
const maxFilter = 8 << 10

func (p *filterParser) all() (Condition, error) {
	switch {
	case p.rest == "":
		return nil, nil
	case len(p.rest) > maxFilter:
		return nil, fmt.Errorf("it is longer than %d bytes", maxFilter)
	case !utf8.ValidString(p.rest):
		return nil, errors.New("it is not UTF-8")
	}
	c, err := p.sequence()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("unexpected %q", p.rest)
	}
	return c, err
}

// sequence is terms side by side: all have to hold.
func (p *filterParser) sequence() (Condition, error) {
	c, err := p.disjunction()
	for err == nil && p.rest != "" && p.rest[0] != ')' {
		c, err = both(c)(p.disjunction())
	}
	return c, err
}

func (p *filterParser) disjunction() (Condition, error) {
	c, err := p.conjunction()
	for err == nil && p.keyword("OR") {
		c, err = either(c)(p.conjunction())
	}
	return c, err
}

func (p *filterParser) conjunction() (Condition, error) {
	c, err := p.negation()
	for err == nil && p.keyword("AND") {
		c, err = both(c)(p.negation())
	}
	return c, err
}

func (p *filterParser) negation() (Condition, error) {
	if !p.keyword("NOT") && !p.symbol("-") {
		return p.term()
	}
	c, err := p.negation()
	return func(fields map[string]any) bool { return !c(fields) }, err
}

func both(a Condition) func(Condition, error) (Condition, error) {
	return func(b Condition, err error) (Condition, error) {
		return func(fields map[string]any) bool { return a(fields) && b(fields) }, err
	}
}

func either(a Condition) func(Condition, error) (Condition, error) {
	return func(b Condition, err error) (Condition, error) {
		return func(fields map[string]any) bool { return a(fields) || b(fields) }, err
	}
}

// operators are in the order in which they are looked for.
var operators = []string{"!=", "!~", ">=", "<=", "=", ":", "~", ">", "<"}

func (p *filterParser) term() (Condition, error) {
	if p.symbol("(") {
		p.open++
		c, err := p.sequence()
		if err == nil && !p.symbol(")") {
			err = fmt.Errorf("a parenthesis is not closed")
		}
		p.open--
		return c, err
	}
	end := strings.IndexFunc(p.rest, func(r rune) bool { return strings.ContainsRune("=:~!<>()", r) || unicode.IsSpace(r) })
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		return nil, fmt.Errorf("a term such as name=web is expected at %q", p.rest)
	}
	key, err := parsePath(p.rest[:end])
	if err != nil {
		return nil, err
	}
	name := p.rest[:end]
	p.rest = strings.TrimSpace(p.rest[end:])
	if p.api {
		for word, operator := range map[string]string{"eq": "~", "ne": "!~"} {
			if p.keyword(word) {
				return p.wholeMatch(key, operator)
			}
		}
	}
	for _, operator := range operators {
		if !p.symbol(operator) {
			continue
		}
		operands, err := p.operands(operator)
		if err != nil {
			return nil, err
		}
		return comparison(key, operator, operands, p.api)
	}
	return nil, fmt.Errorf("an operator is expected after %q: one of %s", name, strings.Join(operators, " "))
}

// wholeMatch is the API's eq and ne: the whole value has to match, and outside of parentheses all that follows is the pattern.
func (p *filterParser) wholeMatch(key path, operator string) (Condition, error) {
	var pattern string
	var err error
	if quoted := p.rest != "" && strings.ContainsRune(`"'`, rune(p.rest[0])); p.open > 0 || quoted {
		pattern, err = p.operand()
	} else {
		pattern, p.rest = p.rest, ""
	}
	if err != nil {
		return nil, err
	}
	return comparison(key, operator, []string{"^(?:" + pattern + ")$"}, true)
}

// operands are one value, or after "=" and ":" several in parentheses.
func (p *filterParser) operands(operator string) ([]string, error) {
	if (operator != "=" && operator != ":" && operator != "!=") || !p.symbol("(") {
		value, err := p.operand()
		return []string{value}, err
	}
	var values []string
	for !p.symbol(")") {
		value, err := p.operand()
		if err != nil {
			return nil, err
		}
		values = append(values, value)
		if !p.symbol(",") {
			p.keyword("OR")
		}
	}
	return values, nil
}

// operand is text in quotes, or up to a space, a comma in a list or a parenthesis that it does not open.
func (p *filterParser) operand() (string, error) {
	if p.rest != "" && strings.ContainsRune(`"'`, rune(p.rest[0])) {
		value, rest, closed := strings.Cut(p.rest[1:], p.rest[:1])
		if !closed {
			return "", fmt.Errorf("a quotation mark is not closed: %s", p.rest)
		}
		p.rest = strings.TrimSpace(rest)
		return value, nil
	}
	open := 0
	end := strings.IndexFunc(p.rest, func(r rune) bool {
		switch r {
		case '(':
			open++
		case ')':
			open--
		}
		return unicode.IsSpace(r) || open < 0
	})
	if end < 0 {
		end = len(p.rest)
	}
	value := p.rest[:end]
	if value == "" {
		return "", fmt.Errorf("a value is expected at %q", p.rest)
	}
	p.rest = strings.TrimSpace(p.rest[end:])
	return strings.TrimSuffix(value, ","), nil
}

func (p *filterParser) symbol(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = strings.TrimSpace(rest)
	}
	return ok
}

// keyword is AND, OR or NOT; the next character ends it.
func (p *filterParser) keyword(word string) bool {
	rest, ok := strings.CutPrefix(p.rest, word)
	if !ok || (rest != "" && rest[0] != '(' && !unicode.IsSpace(rune(rest[0]))) {
		return false
	}
	p.rest = strings.TrimSpace(rest)
	return true
}

// comparison holds if any of a field's values fits any operand; the negative operators if none does.
func comparison(key path, operator string, operands []string, caseCounts bool) (Condition, error) {
	positive, negative := strings.CutPrefix(operator, "!")
	var fits []func(string) bool
	for _, operand := range operands {
		f, err := comparator(positive, operand, caseCounts)
		if err != nil {
			return nil, err
		}
		fits = append(fits, f)
	}
	return func(fields map[string]any) bool {
		found := key.get(fields)
		if found == nil {
			return negative
		}
		if b, isBool := found.(bool); isBool && caseCounts {
			found = strconv.FormatBool(b)
		}
		for _, value := range texts(found) {
			for _, f := range fits {
				if f(value) {
					return !negative
				}
			}
		}
		return negative
	}, nil
}

// comparator compares text for "=" and ":"; the latter looks for a word. A star stands for anything.
func comparator(operator, operand string, caseCounts bool) (func(string) bool, error) {
	switch operator {
	case "<", ">", "<=", ">=":
		return func(value string) bool {
			order := compare(value, operand)
			return (order < 0 && operator[0] == '<') || (order > 0 && operator[0] == '>') || (order == 0 && len(operator) == 2)
		}, nil
	case "~":
		pattern, err := regexp.Compile(operand)
		if err != nil {
			return nil, err
		}
		return pattern.MatchString, nil
	}
	before, after := "^", "$"
	if operator == ":" {
		before, after = `(^|[^0-9A-Za-z_])`, `($|[^0-9A-Za-z_])`
	}
	pattern := strings.ReplaceAll(regexp.QuoteMeta(operand), `\*`, ".*")
	flags := "(?is)"
	if caseCounts {
		flags = "(?s)"
	}
	whole, err := regexp.Compile(flags + before + pattern + after)
	if err != nil {
		return nil, err
	}
	return whole.MatchString, nil
}
