package proxy_test

import "strings"

// hostileSeed is an input of FuzzBackend.
type hostileSeed struct {
	how  uint16
	said []byte
}

// hostileSeeds begin with what has once gone wrong, each to every client with every method.
func hostileSeeds() (out []hostileSeed) {
	add := func(how uint16, said string) { out = append(out, hostileSeed{how, []byte(said)}) }
	for i, s := range hostileHTTP1 {
		client, method := uint16(i%3), uint16(i/3%4)
		for e := range uint16(4) {
			add(client<<howClient|method<<howMethod|e<<howEnding, s)
			add((client+1)%3<<howClient|(method+1)%4<<howMethod|e<<howEnding|1<<howEarly|1<<howUsed, s)
		}
	}
	for i, s := range hostileHTTP2 {
		client, method := uint16(i%3), uint16(i/3%4)
		for e := range uint16(4) {
			add(client<<howClient|method<<howMethod|e<<howEnding|1<<howH2C, s)
			add((client+1)%3<<howClient|(method+1)%4<<howMethod|e<<howEnding|1<<howEarly|1<<howUsed|1<<howH2C, s)
		}
	}
	add(1<<howH2C|1<<howRaw, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	add(1<<howH2C|1<<howRaw, "\x00\x00\x00\x04\x00\x00\x00\x00\x00\x1e\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88")
	return out
}

const wholeOK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

var hostileHTTP1 = []string{
	wholeOK,
	wholeOK + "\x1eHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
	wholeOK + "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
	wholeOK + "\r\n",
	"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n0\r\nx-t: v\r\n\r\n",
	"HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil",
	"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
	"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-t: v\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n\x1e0\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
	"HTTP/1.1 200 OK\r\n\r\nuntil the end",
	"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
	"HTTP/1.1 100 Continue\r\n\r\n\x1eHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + wholeOK,
	strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 40) + wholeOK,
	"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbytes",
	"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
	"HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX : 1\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX: \x00\r\n\r\n",
	"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("a", 70_000) + "\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfive.",
	"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
	"\x1e", "", "HTTP", "HTTP/1.1 200", "\r\n\r\n" + wholeOK,
}

// Operations of the grammar, for seeds: arguments are bytes.
func op(b ...byte) string { return string(b) }

// onEnd is HEADERS with END_STREAM, onHead without.
func onEnd(block byte) string  { return op(opHeaders, 0, block, 5) }
func onHead(block byte) string { return op(opHeaders, 0, block, 4) }

func dataEnd(n byte) string { return op(opData, 0, 1, n) }

var hostileHTTP2 = []string{
	onEnd(0),
	onHead(1) + dataEnd(5),
	onHead(1) + dataEnd(4),
	onHead(1) + dataEnd(6),
	onEnd(1),
	onHead(2) + dataEnd(0) + onEnd(29),
	onHead(2) + op(opData, 0, 0, 5) + onEnd(29),
	onHead(3) + onEnd(29),
	onHead(4) + dataEnd(5),
	onHead(5) + onEnd(29),
	onHead(6) + onHead(7) + onHead(0) + dataEnd(5),
	onHead(6) + op(opRepeat, 5) + onEnd(0),
	onEnd(6),
	onEnd(8), onEnd(9), onEnd(10), onEnd(11), onEnd(12), onEnd(14), onEnd(15), onEnd(16), onEnd(17), onEnd(18), onEnd(19),
	onEnd(20), onEnd(21), onEnd(22), onEnd(24), onEnd(25), onEnd(26), onEnd(33), onEnd(34),
	onHead(0) + onHead(29),
	onHead(0) + onEnd(31),
	onEnd(0) + dataEnd(5),
	onEnd(0) + onEnd(29),
	onEnd(36) + op(opReset, 0, 0),
	onHead(36) + dataEnd(0) + op(opReset, 0, 8),
	op(opReset, 0, 7), op(opReset, 0, 0), op(opReset, 0, 13),
	onHead(0) + op(opReset, 0, 2),
	op(opGoAway, 5, 0), op(opGoAway, 0, 0), op(opGoAway, 5, 11) + onEnd(0), op(opGoAway, 0, 0) + onEnd(0), op(opGoAway, 6, 0) + onEnd(0),
	op(opSettings, 0, 0) + onEnd(0), op(opSettings, 0, 2), op(opSettings, 0, 3), op(opSettings, 0, 5), op(opSettings, 0, 7) + onEnd(0),
	op(opSettings, 0, 9) + onEnd(0), op(opSettings, 1, 0), op(opSettings, 2, 0), op(opSettings, 0, 12) + op(opRepeat, 30) + onEnd(0),
	op(opWindow, 5, 255) + op(opRepeat, 1) + onEnd(0), op(opWindow, 0, 255) + op(opRepeat, 1), op(opWindow, 5, 0), op(opWindow, 0, 0),
	op(opPing, 0) + op(opRepeat, 90) + onEnd(0), op(opPing, 1) + op(opRepeat, 90) + onEnd(0),
	op(opHeaders, 0, 0, 0) + op(opContinue, 0, 29, 0) + op(opRepeat, 20), op(opHeaders, 0, 0, 0) + op(opPing, 0),
	op(opContinue, 0, 0, 4), op(opPush, 0, 0), op(opPriority, 0) + onEnd(0), op(opUnknown, 0, 99, 9) + onEnd(0),
	op(opHeaders, 5, 0, 5), op(opHeaders, 6, 0, 5), op(opHeaders, 7, 0, 5), op(opHeaders, 0, 0, 13),
	op(opData, 0, 0, 5), op(opData, 5, 0, 5), op(opData, 6, 0, 5), onHead(0) + op(opData, 0, 8, 200) + dataEnd(1),
	onHead(0) + op(opData, 0, 0x80, 255) + op(opRepeat, 3) + dataEnd(0),
	onHead(0) + op(opData, 0, 0, 0) + op(opRepeat, 30) + dataEnd(0),
	op(opRaw, 9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1), op(opRaw, 10, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0xff),
	"",
}
