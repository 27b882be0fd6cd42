package cel

import (
	"strings"
	"unicode/utf8"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/types"
)

// checkQuotes finds the typographic quotes that word processors make.
func checkQuotes(expr string) error {
	if i := strings.IndexAny(expr, "“”‘’«»„"); i >= 0 && !strings.ContainsAny(expr[:i], `"'`) {
		l := location(expr, i)
		return errorAt(l, "typographic quotes cannot be read: write \" or '")
	}
	return nil
}

func location(expr string, offset int) common.Location {
	before := expr[:offset]
	line := strings.Count(before, "\n")
	column := utf8.RuneCountInString(before[strings.LastIndex(before, "\n")+1:])
	return common.NewLocation(line+1, column)
}

// syntaxError words the first of the parser's errors.
func syntaxError(issues *celgo.Issues) error {
	first := issues.Errors()[0]
	reason := strings.TrimPrefix(first.Message, "Syntax error: ")
	switch {
	case strings.Contains(reason, "recursion limit"):
		return &Error{Reason: "the condition is nested too deeply"}
	case strings.Contains(reason, "token recognition error at: '='"), strings.Contains(reason, "token recognition error at: '= "):
		reason = "one = compares nothing: write =="
	case strings.Contains(reason, "token recognition error at: '&"):
		reason = "write &&"
	case strings.Contains(reason, "token recognition error at: '|"):
		reason = "write ||"
	case strings.HasPrefix(reason, "token recognition error at: '\""), strings.HasPrefix(reason, "token recognition error at: ''"):
		reason = "the quote is not closed"
	case strings.Contains(reason, "expecting <EOF>"):
		reason = "an operator such as && or == is missing before this, or a parenthesis before it is not closed"
	case strings.Contains(reason, "<EOF>"):
		reason = "the condition ends too early: an operand or a closing parenthesis is missing"
	}
	return errorAt(first.Location, "%s", reason)
}

// typeError words the first of the checker's errors.
func typeError(issues *celgo.Issues) error {
	first := issues.Errors()[0]
	reason := first.Message
	if rest, found := strings.CutPrefix(reason, "found no matching overload for "); found {
		reason = "these do not go together: " + operator(rest)
	}
	if strings.Contains(reason, "(string, int)") || strings.Contains(reason, "(int, string)") {
		reason += ": texts are compared with texts in quotes; write int(request.headers['name']) for the number in a text"
	}
	return errorAt(first.Location, "%s", reason)
}

// operator writes the operators of a message as they are in the text.
func operator(message string) string {
	for _, name := range allowedOperators {
		if display, ok := operators.FindReverse(name); ok {
			message = strings.ReplaceAll(message, "'"+name+"'", "'"+display+"'")
		}
	}
	return message
}

func typeName(t *celgo.Type) string {
	switch {
	case t.IsExactType(types.StringType):
		return "a text"
	case t.IsExactType(types.IntType):
		return "a number"
	default:
		return "of type " + t.String()
	}
}
