package field

// Trim cuts spaces and tabs from both ends.
func Trim(p []byte) []byte {
	for len(p) > 0 && IsSpace(p[0]) {
		p = p[1:]
	}
	for len(p) > 0 && IsSpace(p[len(p)-1]) {
		p = p[:len(p)-1]
	}
	return p
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}

// Lower changes upper-case letters of ASCII in place.
func Lower(p []byte) {
	for i, c := range p {
		p[i] = lower(c)
	}
}

// EqualFold compares ASCII without regard to case.
func EqualFold[A, B ~string | ~[]byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// NextElement cuts the first element off a comma-separated list. Empty elements are skipped; done says that there is none.
func NextElement(list []byte) (element, rest []byte, done bool) {
	for len(list) > 0 {
		end := 0
		for end < len(list) && list[end] != ',' {
			end++
		}
		element = Trim(list[:end])
		if end < len(list) {
			end++
		}
		list = list[end:]
		if len(element) > 0 {
			return element, list, false
		}
	}
	return nil, nil, true
}

// ParseLength reads a content-length: 1 to 18 digits, so less than 2^63.
func ParseLength(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	n := int64(0)
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}
