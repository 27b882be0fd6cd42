package urlmap

import "regexp/syntax"

// capitals has an expression see paths as rules do: the digits of encoded bytes are capitals. A letter counts as such a digit only where it
// stands behind a %, be it in a text, an alternative or a class.
func capitals(expr string) (string, error) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return "", err
	}
	raise(re, 0)
	return re.String(), nil
}

// raise changes the digits; due is how many of them may come next, before and after.
func raise(re *syntax.Regexp, due int) int {
	switch re.Op {
	case syntax.OpLiteral:
		return raiseText(re.Rune, due)
	case syntax.OpCharClass:
		if due > 0 {
			re.Rune = withCapitals(re.Rune)
		}
		return max(0, due-1)
	case syntax.OpConcat, syntax.OpCapture:
		for _, sub := range re.Sub {
			due = raise(sub, due)
		}
		return due
	case syntax.OpAlternate:
		most := 0
		for _, sub := range re.Sub {
			most = max(most, raise(sub, due))
		}
		return most
	case syntax.OpQuest:
		return max(due, raise(re.Sub[0], due))
	case syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		for range min(2, max(1, re.Min)) { // more than two digits never are due
			due = raise(re.Sub[0], due)
		}
		if re.Op != syntax.OpRepeat || re.Min != re.Max {
			raise(re.Sub[0], due) // the next one of as many as there are
			return 0
		}
		return due
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return max(0, due-1)
	}
	return due
}

func raiseText(text []rune, due int) int {
	for i, r := range text {
		switch {
		case r == '%':
			due = 2
		case due > 0 && 'a' <= r && r <= 'f':
			text[i] = r - 'a' + 'A'
			due--
		case due > 0 && ('A' <= r && r <= 'F' || '0' <= r && r <= '9'):
			due--
		default:
			due = 0
		}
	}
	return due
}

// withCapitals adds the capitals of the digits of a class, which is pairs of first and last.
func withCapitals(class []rune) []rune {
	out := append([]rune(nil), class...)
	for i := 0; i+1 < len(class); i += 2 {
		if first, last := max(class[i], 'a'), min(class[i+1], 'f'); first <= last {
			out = append(out, first-'a'+'A', last-'a'+'A')
		}
	}
	return out
}
