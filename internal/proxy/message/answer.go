package message

// HasBody says whether an answer has a body on the wire (RFC 9112 section 6.3): not to HEAD, nor with a status of 1xx, 204
// or 304, whatever its fields say. Every codec asks here, in both directions, so that no two of them differ.
func HasBody(head bool, status int) bool {
	return !head && status >= 200 && status != 204 && status != 304
}

// MayHaveLength says whether an answer may carry content-length (RFC 9110 section 8.6). Those without a body to HEAD and
// with 304 may: they say how long another answer would be.
func MayHaveLength(status int) bool { return status >= 200 && status != 204 }

// MaxInformational bounds the 1xx before a final answer: a backend that sends more is broken or hostile.
const MaxInformational = 16

// ValidStatus says whether a status is one that a message can have.
func ValidStatus(status int) bool { return status >= 100 && status <= 599 }
