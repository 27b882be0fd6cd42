//go:build poison

package poison

// On says which build this is.
const On = true

// Fill overwrites what is being released.
func Fill(b []byte) {
	for i := range b {
		b[i] = Byte
	}
}
