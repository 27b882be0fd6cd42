package downstream

import (
	"github.com/spillway-lb/spillway/internal/proxy/http1"
	"github.com/spillway-lb/spillway/internal/proxy/message"
)

// limitedBody ends a body of unknown length that grows beyond the limit.
type limitedBody struct {
	message.Body
	left int64
}

// Next implements message.Body.
func (b *limitedBody) Next() ([]byte, error) {
	p, err := b.Body.Next()
	if b.left -= int64(len(p)); b.left < 0 {
		return nil, &http1.Refusal{Status: 413, Reason: "body_too_large"}
	}
	return p, err
}

// Ready reports whether Next returns at once.
func (b *limitedBody) Ready() bool { return message.Ready(b.Body) }
