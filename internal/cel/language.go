package cel

import (
	"sync"

	celgo "github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/env"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
)

// language is cel-go's view of the subset: it parses and checks types.
var language = sync.OnceValues(newLanguage)

func newLanguage() (*celgo.Env, error) {
	options := []celgo.EnvOption{
		celgo.StdLib(celgo.StdLibSubset(standard())),
		celgo.ClearMacros(),
		celgo.EagerlyValidateDeclarations(true),
		texts("lower", lowered[string]),
		texts("lowerAscii", lowered[string]),
		texts("upper", uppered),
		texts("upperAscii", uppered),
		celgo.Function("matches", celgo.MemberOverload("text_matches_latin1", []*celgo.Type{celgo.StringType, celgo.StringType},
			celgo.BoolType, celgo.BinaryBinding(matches))),
	}
	for name, a := range attributes {
		options = append(options, celgo.Variable(name, a.kind.celType()))
	}
	return celgo.NewCustomEnv(options...)
}

// standard is what the subset takes of CEL's own library: all but matches, which knows UTF-8 only.
func standard() *env.LibrarySubset {
	s := env.NewLibrarySubset().SetDisableMacros(true)
	for _, name := range append([]string{integer, "contains", "startsWith", "endsWith"}, allowedOperators...) {
		s.AddIncludedFunctions(env.NewFunction(name))
	}
	return s
}

func (k kind) celType() *celgo.Type {
	switch k {
	case number:
		return celgo.IntType
	case fields:
		return celgo.MapType(celgo.StringType, celgo.StringType)
	default:
		return celgo.StringType
	}
}

func texts(name string, f func(dst []byte, s string) []byte) celgo.EnvOption {
	return celgo.Function(name, celgo.MemberOverload("text_"+name, []*celgo.Type{celgo.StringType}, celgo.StringType,
		celgo.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(f(nil, string(s)))
		})))
}

func matches(v, p ref.Val) ref.Val {
	s, ok := v.(types.String)
	expression, isText := p.(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(v)
	}
	compiled, err := newPattern(string(expression))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Bool(compiled.match([]byte(s)))
}

// lowered appends s with the letters of ASCII in lower case.
func lowered[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// uppered appends s with the letters of ASCII in upper case.
func uppered(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
