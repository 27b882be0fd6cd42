package workload

import "strings"

// MatchImage tells whether a pattern of the configuration stands for an image. A * stands for any characters. A pattern
// without a tag or digest matches every tag and digest.
func MatchImage(pattern, image string) bool {
	return glob(pattern, image) || glob(pattern, untagged(image))
}

// glob matches a pattern whose only special character is *.
func glob(pattern, s string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	if !ok {
		return false
	}
	for i := 0; i <= len(s); i++ {
		if glob(rest, s[i:]) {
			return true
		}
	}
	return false
}

// untagged is an image without its tag and digest.
func untagged(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if colon := strings.LastIndexByte(image, ':'); colon > strings.LastIndexByte(image, '/') {
		return image[:colon]
	}
	return image
}
