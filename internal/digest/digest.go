// Package digest makes short texts and numbers of a text, the same in every process and run: suffixes of names, uids, and
// where an address is looked for first. They are cut from a SHA-256.
//
// In: a text that says which thing it is. Out: a part of its hash. How likely two things share it, the caller has to weigh:
//
//	name := service + "-" + digest.Base36(service+"/"+zone, 12)
package digest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"strings"
)

// Hex is the first n hexadecimal digits, 64 at most.
func Hex(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:n]
}

// Base36 is the last n digits of the hash as a number, in lower-case letters and digits.
func Base36(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	digits := new(big.Int).SetBytes(sum[:]).Text(36)
	digits = strings.Repeat("0", max(0, n-len(digits))) + digits
	return digits[len(digits)-n:]
}

// Content is the first n bytes of the hash, 32 at most, each as a letter or digit: what ingress-gce calls a content hash.
func Content(text string, n int) string {
	sum := sha256.Sum256([]byte(text))
	out := make([]byte, n)
	for i := range out {
		out[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[sum[i]%36]
	}
	return string(out)
}

// Number is the first 32 bits.
func Number(text string) uint32 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint32(sum[:])
}

// UUID is a UUID of version 8: made by the application's own rule.
func UUID(text string) string {
	sum := sha256.Sum256([]byte(text))
	sum[6] = sum[6]&0x0f | 0x80
	sum[8] = sum[8]&0x3f | 0x80
	h := hex.EncodeToString(sum[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
