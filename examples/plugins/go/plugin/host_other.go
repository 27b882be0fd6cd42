//go:build !wasip1

package plugin

// Without a host there is nothing to read and nothing to change: this lets an author's tests call the plugin's own functions.

const absent = 1

func hostLog(int32, string) uint32                           { return absent }
func hostGetBuffer(_, _, _ uint32, _, _ *uint32) uint32      { return absent }
func hostSetBuffer(_, _, _ uint32, _ string) uint32          { return absent }
func hostGetField(uint32, string, *uint32, *uint32) uint32   { return absent }
func hostGetFields(uint32, *uint32, *uint32) uint32          { return absent }
func hostSetField(uint32, string, string) uint32             { return absent }
func hostAddField(uint32, string, string) uint32             { return absent }
func hostDelField(uint32, string) uint32                     { return absent }
func hostReply(uint32, string, string, string, int32) uint32 { return absent }
func hostProperty(string, *uint32, *uint32) uint32           { return absent }
func hostCall(_, _, _, _ string, _ uint32, _ *uint32) uint32 { return absent }
func hostEnter(uint32) uint32                                { return absent }
func hostContinue(uint32) uint32                             { return absent }
func take(uint32, uint32) []byte                             { return nil }
