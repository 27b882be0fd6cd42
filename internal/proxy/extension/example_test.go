package extension_test

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/spillway-lb/spillway/internal/proxy/extension"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// guard lets in who has a key, hides words of answers, and says how much it has hidden.
type guard struct {
	extension.Pass
	x      extension.Exchange
	hidden int
}

var _ extension.Filter = (*guard)(nil)

// Request answers those without a key; nobody else gets to see it.
func (g *guard) Request(q *extension.Request) error {
	if _, ok := q.Get("x-key"); !ok {
		return &extension.LocalReply{Status: 403, Body: []byte("no key\n")}
	}
	if err := q.Del("x-key"); err != nil {
		return err
	}
	// A setter that refuses changes nothing. Callouts and plugins go on then.
	if err := q.Set("x-forwarded-for", []byte("1.2.3.4")); !errors.Is(err, extension.ErrForbidden) {
		return fmt.Errorf("forging was possible: %v", err)
	}
	return nil
}

// Response marks the answer, and wraps its body. What comes in is what is asked for, piece by piece.
func (g *guard) Response(r *extension.Response) error {
	if err := r.Set("x-guarded", []byte("yes")); err != nil || !r.HasBody() {
		return err
	}
	// As many bytes as before: the length stays.
	return r.SetBody(&extension.Streamed{Source: r.Body(), Piece: g.hide, Tail: g.count}, r.Length())
}

func (g *guard) hide(p []byte, _ bool) ([]byte, error) {
	g.hidden += bytes.Count(p, []byte("secret"))
	return bytes.ReplaceAll(p, []byte("secret"), []byte("******")), nil
}

// count is at the end of the body, where the trailers are, if there are any.
func (g *guard) count(*extension.Fields) error { return nil }

// End is always called, and nothing of the exchange may be used after it.
func (g *guard) End(o extension.Outcome) {
	if g.hidden > 0 {
		g.x.Log("hidden", fmt.Sprint(g.hidden))
	}
}

// Example has a filter from its extension, which a Provider puts into a chain, to the bytes that it changes.
func Example() {
	e := extension.Extension{
		Name:   "guard",
		Policy: extension.PluginPolicy(extension.Traffic),
		New:    func(x extension.Exchange) extension.Filter { return &guard{x: x} },
	}
	chains := &extension.Chains{Traffic: []extension.Chain{{
		Name:       "all",
		Match:      func(_ extension.Exchange, q *extension.Request) bool { return string(q.Path()) != "/health" },
		Extensions: []extension.Extension{e},
	}}}

	// The engine does what follows, for each exchange whose chain this is.
	f := chains.Traffic[0].Extensions[0].New(nil)
	req := &message.Request{Method: []byte("GET"), Authority: []byte("a.example"), Path: []byte("/")}
	fmt.Println(f.Request(extension.NewRequest(req, e.Policy, nil)))
	req.Header.Add([]byte("x-key"), []byte("k"))
	fmt.Println(f.Request(extension.NewRequest(req, e.Policy, nil)), req.Header.Len())

	body := &answer{body: extension.NewLiteral([]byte("a secret\n"))}
	res := &message.Response{Status: 200, ContentLength: 9, Body: body.body}
	fmt.Println(f.Response(extension.NewResponse(res, e.Policy, body)))
	p, err := body.body.Next()
	fmt.Printf("%s%d %v\n", p, body.length, err)
	// Output:
	// extension: local reply
	// <nil> 0
	// <nil>
	// a ******
	// 9 <nil>
}

// answer stands for the engine's hold on the body of an answer.
type answer struct {
	body   message.Body
	length int64
}

func (a *answer) Source() message.Body                 { return a.body }
func (a *answer) Replace(b message.Body, length int64) { a.body, a.length = b, length }
