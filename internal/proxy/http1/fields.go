package http1

import (
	"bytes"

	"github.com/spillway-lb/spillway/internal/proxy/field"

	"github.com/spillway-lb/spillway/internal/proxy/header"
)

var endOfHead = []byte("\r\n\r\n")

// headEnd finds the length of the head at the start of buf; 0 while it is incomplete. from is how much was searched
// before, so that a peer who sends byte by byte does not make the search quadratic.
func headEnd(buf []byte, from int) (int, *Refusal) {
	start := max(from-3, 0)
	if i := bytes.Index(buf[start:], endOfHead); i >= 0 {
		return start + i + len(endOfHead), nil
	}
	// What will be refused anyway is refused now: a peer that ends lines by LF alone would wait for ever.
	for at := start; ; {
		i := bytes.IndexByte(buf[at:], '\n')
		if i < 0 {
			return 0, nil
		}
		at += i
		if at > 0 && buf[at-1] != '\r' || at == 0 {
			return 0, errBareLF
		}
		at++
	}
}

// kind is what a section of fields belongs to. RFC 9112 section 5.1: a space before the colon is refused in a request, and taken
// out of an answer.
type kind bool

const (
	ofRequest kind = false
	ofAnswer  kind = true
)

// parseFields reads the field lines of section, which ends in an empty line, and gives each to add.
func parseFields(section []byte, maxCount int, m *header.Map, of kind) *Refusal {
	for n := 0; ; n++ {
		if len(section) >= 2 && section[0] == '\r' && section[1] == '\n' {
			return nil
		}
		if n >= maxCount {
			return errHeaderCount
		}
		name, value, rest, bad := parseField(section, of)
		if bad != nil {
			return bad
		}
		m.Add(name, value)
		section = rest
	}
}

// parseField reads one line and lowers the name in place.
func parseField(section []byte, of kind) (name, value, rest []byte, bad *Refusal) {
	i := 0
	for i < len(section) {
		c := field.Lowered[section[i]]
		if c == 0 {
			break
		}
		section[i] = c
		i++
	}
	name = section[:i]
	if of == ofAnswer && i > 0 {
		i += spaceBeforeColon(section[i:], name)
	}
	if i == 0 || i == len(section) || section[i] != ':' {
		return nil, nil, nil, badName(section, i)
	}
	section = section[i+1:]
	end := bytes.IndexByte(section, '\n')
	if end <= 0 || section[end-1] != '\r' {
		return nil, nil, nil, errBareLF
	}
	value = field.Trim(section[:end-1])
	if field.HasControl(value) {
		return nil, nil, nil, badValue(value)
	}
	return name, value, section[end+1:], nil
}

// spaceBeforeColon counts what is to be taken out behind a name. There is nothing of it where the name frames the message: who
// reads that with the space reads another message.
func spaceBeforeColon(rest, name []byte) int {
	n := 0
	for n < len(rest) && field.IsSpace(rest[n]) {
		n++
	}
	if n == 0 || n == len(rest) || rest[n] != ':' || field.Framing(header.Lookup(name)) {
		return 0
	}
	return n
}

// badName says what is wrong with a line whose name stops at i without a colon.
func badName(section []byte, i int) *Refusal {
	if i < len(section) && (section[i] == ' ' || section[i] == '\t') {
		if i == 0 {
			return errObsFold
		}
		return errSpaceColon
	}
	if i < len(section) && section[i] == '\n' {
		return errBareLF
	}
	return errHeaderName
}

func badValue(value []byte) *Refusal {
	if bytes.IndexByte(value, '\r') >= 0 {
		return errBareCR
	}
	return errHeaderValue
}
