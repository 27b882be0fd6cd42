package outbound

import (
	"errors"

	"github.com/spillway-lb/spillway/internal/proxy/call"
	"github.com/spillway-lb/spillway/internal/proxy/callout/frame"
)

// Events of versions that are counted, beside "call_" and the word of a failure.
const (
	eventCall    = "call"
	eventRefused = "call_refused"
	// wordGrant is that of what no configuration permits, or cannot carry.
	wordGrant = "not_permitted"
	// wordInvalid is that of what has no place in HTTP, or in gRPC.
	wordInvalid = "invalid"
	// wordTooLarge is that of an answer above maxAnswer, wordProtocol of one that is no HTTP.
	wordTooLarge = "too_large"
	wordProtocol = "protocol"
)

// invalid is the error of a request or an answer that is none.
type invalid struct{ error }

func (e invalid) Unwrap() error { return e.error }

// wordOf is the word of a failure.
func wordOf(err error) string {
	var f *call.Failure
	var bad invalid
	var large *frame.TooLargeError
	switch {
	case errors.Is(err, call.ErrLongReply), errors.As(err, &large):
		return wordTooLarge
	case errors.As(err, &bad):
		return wordInvalid
	case errors.As(err, &f) && f.Cause == call.Protocol:
		return wordProtocol
	case errors.As(err, &f):
		return string(f.Cause)
	case errors.Is(err, errEnded):
		return string(call.Canceled)
	}
	return wordGrant
}

// tell counts how a call has ended, and tells the log when an upstream begins to fail, fails for another reason, or is well again.
func (c *Calls) tell(s *services, upstream string, err error) {
	word := ""
	if err != nil {
		word = wordOf(err)
		c.count(s, "call_"+word)
	}
	switch before, changed := c.remember(s.plugin, upstream, word); {
	case !changed:
	case err == nil:
		c.config.Logger.Info("plugin calls succeed again", "plugin", s.plugin, "version", s.version, "upstream", upstream, "before", before)
	default:
		c.config.Logger.Warn("plugin call failed", "plugin", s.plugin, "version", s.version, "upstream", upstream, "cause", word, "reason", err.Error())
	}
}

// remember notes the word of a failure, "" for none, and reports whether it is another than before.
func (c *Calls) remember(plugin, upstream, word string) (before string, changed bool) {
	key := [2]string{plugin, upstream}
	c.mu.Lock()
	defer c.mu.Unlock()
	before = c.said[key]
	if word == "" {
		delete(c.said, key)
	} else {
		if len(c.said) >= maxSaid {
			clear(c.said)
		}
		c.said[key] = word
	}
	return before, before != word
}

// maxSaid bounds what is remembered: a plugin may ask for names that it makes up.
const maxSaid = 1024
