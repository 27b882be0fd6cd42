package requestpath

import "bytes"

// Normalize resolves the dot segments of a target in origin form, in place. The query stays as it is. A segment
// counts as dot segment also when its dots are written %2e. A path that would climb above the root stays there.
func Normalize(target []byte) []byte {
	path := target
	if q := bytes.IndexByte(target, '?'); q >= 0 {
		path = target[:q]
	}
	if !hasDotSegment(path) {
		return target
	}
	w := 0 // target[:w] is resolved; never ends in a slash unless it is empty
	for r := 0; r < len(path); {
		end := r + 1
		for end < len(path) && path[end] != '/' {
			end++
		}
		last := end == len(path)
		switch dots(path[r+1 : end]) {
		case 1:
		case 2:
			for w > 0 {
				w--
				if target[w] == '/' {
					break
				}
			}
		default:
			w += copy(target[w:], path[r:end])
			r = end
			continue
		}
		if last {
			target[w] = '/'
			w++
		}
		r = end
	}
	if len(path) == len(target) {
		return target[:w]
	}
	return append(target[:w], target[len(path):]...)
}

// hasDotSegment looks for "/." and "/%2e", which most paths do not have.
func hasDotSegment(path []byte) bool {
	for at := 0; ; at++ {
		i := bytes.IndexByte(path[at:], '/')
		if i < 0 {
			return false
		}
		at += i
		if at+1 < len(path) && (path[at+1] == '.' || path[at+1] == '%') {
			end := at + 1
			for end < len(path) && path[end] != '/' {
				end++
			}
			if dots(path[at+1:end]) != 0 {
				return true
			}
		}
	}
}

// dots is 1 for "." and 2 for ".." in any encoding, 0 for every other segment.
func dots(segment []byte) int {
	n := 0
	for len(segment) > 0 {
		switch {
		case segment[0] == '.':
			segment = segment[1:]
		case len(segment) >= 3 && segment[0] == '%' && segment[1] == '2' && segment[2]|0x20 == 'e':
			segment = segment[3:]
		default:
			return 0
		}
		if n++; n > 2 {
			return 0
		}
	}
	return n
}
