package proxy_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
)

// verdict is what a client may see of a hostile answer.
type verdict struct {
	status int
	body   string
	// broken: the client sees that there is no whole answer: 502, a body that is cut, or a stream that is reset.
	broken bool
}

var (
	bad    = verdict{status: 502}
	broken = verdict{broken: true}
)

func good(body string) verdict { return verdict{status: 200, body: body} }

// hostileAnswer is a row: what a backend says, and what may become of it.
type hostileAnswer struct {
	name   string
	method string // GET if empty
	said   string // segments of HTTP/1, or the grammar
	ending ending
	want   verdict
}

const (
	ok11  = "HTTP/1.1 200 OK\r\n"
	chunk = ok11 + "Transfer-Encoding: chunked\r\n\r\n"
	sized = ok11 + "Content-Length: 2\r\n"
)

const answerUntilClose = "answer until close"

// hostileAnswers1 are HTTP/1.
var hostileAnswers1 = []hostileAnswer{
	// Status lines.
	{name: "no reason", said: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", want: good("ok")},
	{name: "empty reason", said: "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", want: good("ok")},
	{name: "reason of high bytes", said: "HTTP/1.1 200 \xc3\xa4\r\nContent-Length: 2\r\n\r\nok", want: good("ok")},
	{name: "reason with a tab", said: "HTTP/1.1 200 a\tb\r\nContent-Length: 2\r\n\r\nok", want: good("ok")},
	{name: "reason with NUL", said: "HTTP/1.1 200 a\x00b\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "reason with CR", said: "HTTP/1.1 200 a\rb\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "two spaces", said: "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "tab", said: "HTTP/1.1\t200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "no space", said: "HTTP/1.1200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "no space before the reason", said: "HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "leading space", said: " HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "leading empty line", said: "\r\n" + sized + "\r\nok", want: bad},
	{name: "two digits", said: "HTTP/1.1 20 OK\r\n\r\n", want: bad},
	{name: "four digits", said: "HTTP/1.1 2000 OK\r\n\r\n", want: bad},
	{name: "signed status", said: "HTTP/1.1 -20 OK\r\n\r\n", want: bad},
	{name: "letters", said: "HTTP/1.1 2x0 OK\r\n\r\n", want: bad},
	{name: "status 0", said: "HTTP/1.1 000 OK\r\n\r\n", want: bad},
	{name: "status 99", said: "HTTP/1.1 099 OK\r\n\r\n", want: bad},
	{name: "status 600", said: "HTTP/1.1 600 OK\r\n\r\n", want: bad},
	{name: "status 999", said: "HTTP/1.1 999 OK\r\n\r\n", want: bad},
	{name: "no status", said: "HTTP/1.1\r\n\r\n", want: bad},
	{name: "lower case", said: "http/1.1 200 OK\r\n\r\n", want: bad},
	{name: "another protocol", said: "ICY 200 OK\r\n\r\n", want: bad},
	{name: "a request", said: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", want: bad},
	{name: "HTTP/0.9", said: "hello", want: bad},
	{name: "TLS", said: "\x15\x03\x03\x00\x02\x02\x28", want: bad},
	{name: "HTTP/2", said: "\x00\x00\x00\x04\x00\x00\x00\x00\x00", want: bad},
	{name: "nothing", said: "", want: bad},
	{name: "nothing, reset", said: "", ending: endRST, want: bad},
	{name: "nothing, half closed", said: "", ending: endHalf, want: bad},
	{name: "version 1.2", said: "HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", want: good("ok")},
	{name: "version 1.10", said: "HTTP/1.10 200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "version 2.0", said: "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "version 0.9", said: "HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "version 1", said: "HTTP/1 200 OK\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "version with a space", said: "HTTP/1. 1 200 OK\r\n\r\n", want: bad},

	// Lines and fields.
	{name: "LF alone", said: "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", want: bad},
	{name: "LF alone in a field", said: ok11 + "Content-Length: 2\n\r\nok", want: bad},
	{name: "LF alone at the end", said: sized + "\nok", want: bad},
	{name: "CR alone", said: ok11 + "X: a\rContent-Length: 2\r\n\r\nok", want: bad},
	{name: "CR CR LF", said: ok11 + "X: a\r\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "folded", said: ok11 + "X: a\r\n b\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "folded first line", said: ok11 + " X: a\r\nContent-Length: 2\r\n\r\nok", want: bad},
	{name: "NUL in a value", said: sized + "X: a\x00b\r\n\r\nok", want: bad},
	{name: "NUL in a name", said: sized + "X\x00: a\r\n\r\nok", want: bad},
	{name: "no colon", said: sized + "X\r\n\r\nok", want: bad},
	{name: "no name", said: sized + ": a\r\n\r\nok", want: bad},
	{name: "space in a name", said: sized + "X Y: a\r\n\r\nok", want: bad},
	{name: "space before the colon", said: sized + "X : a\r\n\r\nok", want: good("ok")},
	{name: "tab before the colon", said: sized + "X\t: a\r\n\r\nok", want: good("ok")},
	{name: "space before the colon of a length", said: ok11 + "Content-Length : 2\r\n\r\nok", want: bad},
	{name: "space before the colon of a coding", said: ok11 + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "space before no colon", said: sized + "X \r\n\r\nok", want: bad},
	{name: "high bytes in a value", said: sized + "X: \xff\xfe\r\n\r\nok", want: good("ok")},
	{name: "empty value", said: sized + "X:\r\n\r\nok", want: good("ok")},
	{name: "expectation", said: sized + "Expect: rabbits\r\n\r\nok", want: good("ok")},
	{name: "host", said: sized + "Host: a\r\nHost: b\r\n\r\nok", want: good("ok")},
	{name: "too large", said: sized + "X: " + strings.Repeat("a", 200_000) + "\r\n\r\nok", want: bad},
	{name: "too many", said: sized + strings.Repeat("X: a\r\n", 2000) + "\r\nok", want: bad},
	{name: "head cut short", said: sized, want: bad},
	{name: "head cut short by a reset", said: sized, ending: endRST, want: bad},
	{name: "byte by byte", said: strings.Join(strings.Split(chunk+"2;a=b\r\nok\r\n0\r\nx-t: v\r\n\r\n", ""), "\x1e"), want: good("ok")},

	// Lengths.
	{name: "length twice, the same", said: sized + "Content-Length: 2\r\n\r\nok", want: bad},
	{name: "length twice", said: sized + "Content-Length: 3\r\n\r\nok", want: bad},
	{name: "length list", said: ok11 + "Content-Length: 2, 2\r\n\r\nok", want: bad},
	{name: "length list of others", said: ok11 + "Content-Length: 2, 3\r\n\r\nok", want: bad},
	{name: "length with plus", said: ok11 + "Content-Length: +2\r\n\r\nok", want: bad},
	{name: "negative length", said: ok11 + "Content-Length: -2\r\n\r\nok", want: bad},
	{name: "hexadecimal length", said: ok11 + "Content-Length: 0x2\r\n\r\nok", want: bad},
	{name: "length with a point", said: ok11 + "Content-Length: 2.0\r\n\r\nok", want: bad},
	{name: "length of no digits", said: ok11 + "Content-Length: \r\n\r\nok", want: bad},
	{name: "length in quotes", said: ok11 + "Content-Length: \"2\"\r\n\r\nok", want: bad},
	{name: "length in two words", said: ok11 + "Content-Length: 2 2\r\n\r\nok", want: bad},
	{name: "length beyond 64 bits", said: ok11 + "Content-Length: 18446744073709551618\r\n\r\nok", want: bad},
	{name: "length of zeroes first", said: ok11 + "Content-Length: 0002\r\n\r\nok", want: good("ok")},
	{name: "length with spaces around", said: ok11 + "Content-Length: \t 2 \t\r\n\r\nok", want: good("ok")},
	{name: "length and coding", said: sized + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", want: bad},
	{name: "coding and length", said: ok11 + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", want: bad},
	{name: "too short", said: ok11 + "Content-Length: 3\r\n\r\nok", want: broken},
	{name: "too short, reset", said: ok11 + "Content-Length: 3\r\n\r\nok", ending: endRST, want: broken},
	{name: "too long", said: sized + "\r\nokevil", ending: endHalf, want: good("ok")},
	{name: "too long, kept", said: sized + "\r\nokevil", ending: endKeep, want: good("ok")},
	{name: "two answers", said: sized + "\r\nok" + sized + "\r\nno", ending: endKeep, want: good("ok")},
	{name: "two answers, one after the other", said: sized + "\r\nok\x1e" + sized + "\r\nno", ending: endKeep, want: good("ok")},
	{name: "an answer and an empty line", said: sized + "\r\nok\r\n", ending: endKeep, want: good("ok")},
	{name: "an answer and half of one", said: sized + "\r\nok\x1eHTTP/1.1 20", ending: endKeep, want: good("ok")},
	{name: "an answer and a time-out", said: sized + "\r\nok\x1eHTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", want: good("ok")},

	// Codings.
	{name: "chunked twice", said: ok11 + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "chunked, chunked", said: ok11 + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "gzip, chunked", said: ok11 + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "chunked, gzip", said: ok11 + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", want: bad},
	{name: "identity", said: ok11 + "Transfer-Encoding: identity\r\n\r\nok", want: bad},
	{name: "xchunked", said: ok11 + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "empty coding", said: ok11 + "Transfer-Encoding:\r\n\r\n0\r\n\r\n", want: bad},
	{name: "comma, chunked", said: ok11 + "Transfer-Encoding: , chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "quoted coding", said: ok11 + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", want: bad},
	{name: "coding with parameter", said: ok11 + "Transfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", want: bad},
	{name: "vertical tab before the coding", said: ok11 + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "capital coding", said: ok11 + "Transfer-Encoding: CHUNKED\r\n\r\n2\r\nok\r\n0\r\n\r\n", want: good("ok")},
	{name: "coding in HTTP/1.0", said: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", want: bad},

	// Chunks.
	{name: "chunks", said: chunk + "1\r\no\r\n1\r\nk\r\n0\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "chunk extension", said: chunk + "2;x=\"y\"\r\nok\r\n0;z\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "chunk extension behind a space", said: chunk + "2 ; x = y\r\nok\r\n0\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "padded chunk size", said: chunk + "2  \r\nok\r\n0 \r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "chunk size with zeroes", said: chunk + "0002\r\nok\r\n00\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "chunk size in words", said: chunk + "2 2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk size behind a space", said: chunk + " 2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "signed chunk size", said: chunk + "+2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "negative chunk size", said: chunk + "-2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk size with 0x", said: chunk + "0x2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "no chunk size", said: chunk + "\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "no chunk size but an extension", said: chunk + ";x\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "huge chunk size", said: chunk + "ffffffffffffffff\r\nok", want: broken},
	{name: "chunk size beyond 64 bits", said: chunk + "10000000000000002\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "endless chunk size", said: chunk + strings.Repeat("0", 100_000) + "2\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "endless extension", said: chunk + "2;" + strings.Repeat("a", 100_000) + "\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk extension with CR", said: chunk + "2;a\rb\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk line by LF", said: chunk + "2\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk too short", said: chunk + "3\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk too long", said: chunk + "1\r\nok\r\n0\r\n\r\n", want: broken},
	{name: "chunk without its end", said: chunk + "2\r\nok0\r\n\r\n", want: broken},
	{name: "chunk ended by LF", said: chunk + "2\r\nok\n0\r\n\r\n", want: broken},
	{name: "no last chunk", said: chunk + "2\r\nok\r\n", want: broken},
	{name: "last chunk without an end", said: chunk + "2\r\nok\r\n0\r\n", want: broken},
	{name: "last chunk and LF", said: chunk + "2\r\nok\r\n0\r\n\n", want: broken},
	{name: "chunks and more", said: chunk + "2\r\nok\r\n0\r\n\r\nevil", ending: endKeep, want: good("ok")},
	{name: "chunks to HEAD", method: "HEAD", said: chunk + "2\r\nok\r\n0\r\n\r\n", ending: endKeep, want: good("")},

	// Trailers.
	{name: "trailers", said: chunk + "2\r\nok\r\n0\r\nx-t: v\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "trailers that frame", said: chunk + "2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: b\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "trailers without colon", said: chunk + "2\r\nok\r\n0\r\nevil\r\n\r\n", want: broken},
	{name: "trailers folded", said: chunk + "2\r\nok\r\n0\r\nx: y\r\n z\r\n\r\n", want: broken},
	{name: "trailers with NUL", said: chunk + "2\r\nok\r\n0\r\nx: \x00\r\n\r\n", want: broken},
	{name: "trailers without end", said: chunk + "2\r\nok\r\n0\r\nx: y\r\n", want: broken},
	{name: "huge trailers", said: chunk + "2\r\nok\r\n0\r\nx: " + strings.Repeat("a", 200_000) + "\r\n\r\n", want: broken},
	{name: "many trailers", said: chunk + "2\r\nok\r\n0\r\n" + strings.Repeat("x: a\r\n", 2000) + "\r\n", want: broken},

	// What ends with the connection.
	{name: "until close", said: ok11 + "\r\nok", want: good("ok")},
	{name: "until close, kept alive", said: ok11 + "Connection: keep-alive\r\n\r\nok", want: good("ok")},
	{name: "until half close", said: ok11 + "\r\nok", ending: endHalf, want: good("ok")},
	{name: "until reset", said: ok11 + "\r\nok\x1e", ending: endRST, want: broken},
	{name: "HTTP/1.0", said: "HTTP/1.0 200 OK\r\n\r\nok", want: good("ok")},
	{name: "HTTP/1.0 with length", said: "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", ending: endKeep, want: good("ok")},
	{name: "HTTP/1.0 kept alive", said: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", ending: endKeep, want: good("ok")},
	{name: "close, and no close", said: sized + "Connection: close\r\n\r\nok", ending: endKeep, want: good("ok")},
	{name: "whole, then reset", said: sized + "\r\nok", ending: endRST, want: good("ok")},

	// Answers without a body.
	{name: "HEAD", method: "HEAD", said: ok11 + "Content-Length: 2\r\n\r\n", ending: endKeep, want: good("")},
	{name: "HEAD with a body", method: "HEAD", said: sized + "\r\nok", ending: endKeep, want: good("")},
	{name: "HEAD with an answer behind it", method: "HEAD", said: sized + "\r\n" + sized + "\r\nok", ending: endKeep, want: good("")},
	{name: "HEAD without length", method: "HEAD", said: ok11 + "\r\n", ending: endKeep, want: good("")},
	{name: "204", said: "HTTP/1.1 204 No Content\r\n\r\n", ending: endKeep, want: verdict{status: 204}},
	{name: "204 with a body", said: "HTTP/1.1 204 No Content\r\n\r\nevil", ending: endKeep, want: verdict{status: 204}},
	{name: "204 chunked", said: "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", want: bad},
	{name: "304 with a body", said: "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil", ending: endKeep, want: verdict{status: 304}},
	{name: "304 chunked", said: "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ending: endKeep, want: verdict{status: 304}},

	// Informational answers.
	{name: "100", said: "HTTP/1.1 100 Continue\r\n\r\n" + sized + "\r\nok", ending: endKeep, want: good("ok")},
	{name: "100 twice", said: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + sized + "\r\nok", ending: endKeep, want: good("ok")},
	{name: "103 with length", said: "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + sized + "\r\nok", want: bad},
	{name: "103 chunked", said: "HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + sized + "\r\nok", want: bad},
	{name: "100 and no more", said: "HTTP/1.1 100 Continue\r\n\r\n", want: bad},
	{name: "100 and a reset", said: "HTTP/1.1 100 Continue\r\n\r\n", ending: endRST, want: bad},
	{name: "100 without end", said: strings.Repeat("HTTP/1.1 100 Continue\r\n\r\n", 1000), want: bad},
	{name: "100 after the answer", said: sized + "\r\nokHTTP/1.1 100 Continue\r\n\r\n", ending: endKeep, want: good("ok")},
	{name: "101 that nobody asked for", said: "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nbytes", want: bad},
	{name: "101 to nothing", said: "HTTP/1.1 101 Switching Protocols\r\n\r\n", want: bad},
	{name: "199", said: "HTTP/1.1 199 Odd\r\n\r\n" + sized + "\r\nok", ending: endKeep, want: good("ok")},
}

// hostileAnswers2 are HTTP/2, in the grammar. Every one is followed by a pause, and by the end of the connection or its further
// use.
var hostileAnswers2 = []hostileAnswer{
	{name: "head", said: onEnd(0), want: good("")},
	{name: "body", said: onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "padded", said: onHead(0) + op(opData, 0, 9, 105), want: good("dddd")},
	{name: "empty end", said: onHead(0) + dataEnd(0), want: good("")},
	{name: "too short", said: onHead(1) + dataEnd(4), want: broken},
	{name: "too long", said: onHead(1) + dataEnd(6), want: broken},
	{name: "length without a body", said: onEnd(1), want: bad},
	{name: "length and an empty end", said: onHead(1) + dataEnd(0), want: broken},
	{name: "trailers", said: onHead(2) + op(opData, 0, 0, 5) + onEnd(29), want: good("ddddd")},
	{name: "trailers and no body", said: onHead(2) + onEnd(29), want: good("")},
	{name: "trailers that do not end", said: onHead(0) + op(opData, 0, 0, 5) + onHead(29), want: broken},
	{name: "trailers with a status", said: onHead(0) + op(opData, 0, 0, 5) + onEnd(31), want: broken},
	{name: "trailers before all of the body", said: onHead(1) + op(opData, 0, 0, 4) + onEnd(29), want: broken},
	{name: "a second head", said: onHead(0) + onEnd(0), want: broken},
	{name: "data before the head", said: op(opData, 0, 0, 5) + onEnd(0), want: bad},
	{name: "data behind the end", said: onEnd(0) + dataEnd(5), want: good("")},
	{name: "a head behind the end", said: onEnd(0) + onEnd(0), want: good("")},
	{name: "trailers behind the end", said: onHead(1) + dataEnd(5) + onEnd(29), want: good("ddddd")},
	{name: "HEAD that does not end", method: "HEAD", said: onHead(1), want: good("")},
	{name: "HEAD with a body", method: "HEAD", said: onHead(1) + dataEnd(5), want: good("")},
	{name: "HEAD and a reset", method: "HEAD", said: onHead(1) + op(opReset, 0, 0), want: good("")},
	{name: "204", said: onEnd(3), want: verdict{status: 204}},
	{name: "204 with length", said: onEnd(4), want: bad},
	{name: "204 with a body", said: onHead(3) + dataEnd(5), want: verdict{status: 204}},
	{name: "304 with a body", said: onHead(5) + dataEnd(5), want: verdict{status: 304}},
	{name: "100", said: onHead(6) + onEnd(0), want: good("")},
	{name: "100 and END_STREAM", said: onEnd(6), want: bad},
	{name: "100 without end", said: onHead(6) + op(opRepeat, 100), want: bad},
	{name: "101", said: onHead(8) + onEnd(0), want: bad},
	{name: "600", said: onEnd(9), want: bad},
	{name: "999", said: onEnd(10), want: bad},
	{name: "099", said: onEnd(11), want: bad},
	{name: "two digits", said: onEnd(12), want: bad},
	{name: "four digits", said: onEnd(13), want: bad},
	{name: "two statuses", said: onEnd(14), want: bad},
	{name: "a late status", said: onEnd(15), want: bad},
	{name: "no status", said: onEnd(16), want: bad},
	{name: "a path", said: onEnd(17), want: bad},
	{name: "capitals", said: onEnd(18), want: bad},
	{name: "connection", said: onEnd(19), want: bad},
	{name: "transfer-encoding", said: onEnd(20), want: bad},
	{name: "te", said: onEnd(21), want: bad},
	{name: "two lengths", said: onEnd(22), want: bad},
	{name: "a list of lengths", said: onEnd(23), want: bad},
	{name: "negative length", said: onEnd(24), want: bad},
	{name: "CR LF", said: onEnd(25), want: bad},
	{name: "NUL", said: onEnd(26), want: bad},
	{name: "space in a name", said: onEnd(27), want: bad},
	{name: "no name", said: onEnd(28), want: bad},
	{name: "upgrade", said: onEnd(38), want: bad},
	{name: "too large", said: onEnd(34), want: bad},
	{name: "in two frames", said: onEnd(33), want: good("")},

	{name: "RST_STREAM", said: op(opReset, 0, 2), want: bad},
	{name: "RST_STREAM without error", said: op(opReset, 0, 0), want: bad},
	{name: "RST_STREAM HTTP_1_1_REQUIRED", said: op(opReset, 0, 13), want: bad},
	{name: "RST_STREAM of a code that is none", said: op(opReset, 0, 200), want: bad},
	{name: "RST_STREAM REFUSED_STREAM", said: op(opReset, 0, 7), want: good("GET " + hostilePath + " ")},
	{name: "REFUSED_STREAM in the body", said: onHead(1) + op(opData, 0, 0, 2) + op(opReset, 0, 7), want: broken},
	{name: "RST_STREAM in the body", said: onHead(1) + op(opData, 0, 0, 2) + op(opReset, 0, 0), want: broken},
	{name: "RST_STREAM behind the end", said: onHead(1) + dataEnd(5) + op(opReset, 0, 8), want: good("ddddd")},
	{name: "RST_STREAM on the connection", said: op(opReset, 5, 0), want: bad},
	{name: "RST_STREAM of a stream to come", said: op(opReset, 6, 0), want: bad},
	{name: "RST_STREAM of the wrong length", said: op(opRaw, 11, 0, 0, 2, 3, 0, 0, 0, 0, 1, 0, 0), want: bad},

	{name: "GOAWAY before it", said: op(opGoAway, 5, 0), want: good("GET " + hostilePath + " ")},
	{name: "GOAWAY before it, with an error", said: op(opGoAway, 5, 11), want: good("GET " + hostilePath + " ")},
	{name: "GOAWAY before it, and an answer", said: op(opGoAway, 5, 0) + onEnd(0), want: good("GET " + hostilePath + " ")},
	{name: "GOAWAY with it, and an answer", said: op(opGoAway, 0, 0) + onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "GOAWAY behind it, and an answer", said: op(opGoAway, 6, 0) + onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "GOAWAY after the answer", said: onHead(1) + dataEnd(5) + op(opGoAway, 5, 0), want: good("ddddd")},
	{name: "GOAWAY twice", said: op(opGoAway, 6, 0) + op(opGoAway, 0, 0) + onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "GOAWAY that takes back", said: op(opGoAway, 6, 0) + op(opGoAway, 5, 0), want: good("GET " + hostilePath + " ")},
	{name: "GOAWAY that is too short", said: op(opRaw, 13, 0, 0, 4, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0), want: bad},
	{name: "GOAWAY on a stream", said: op(opRaw, 17, 0, 0, 8, 7, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), want: bad},

	{name: "SETTINGS of no window", said: op(opSettings, 0, 0) + onEnd(0), want: good("")},
	{name: "SETTINGS of a window beyond", said: op(opSettings, 0, 2) + onEnd(0), want: bad},
	{name: "SETTINGS of no frame", said: op(opSettings, 0, 3) + onEnd(0), want: bad},
	{name: "SETTINGS of large frames", said: op(opSettings, 0, 4) + onEnd(0), want: good("")},
	{name: "SETTINGS that push", said: op(opSettings, 0, 5) + onEnd(0), want: bad},
	{name: "SETTINGS that push twice", said: op(opSettings, 0, 6) + onEnd(0), want: bad},
	{name: "SETTINGS of no streams", said: op(opSettings, 0, 7) + onEnd(0), want: good("")},
	{name: "SETTINGS of a huge table", said: op(opSettings, 0, 9) + onEnd(0), want: good("")},
	{name: "SETTINGS of CONNECT 2", said: op(opSettings, 0, 11) + onEnd(0), want: bad},
	{name: "SETTINGS that nobody knows", said: op(opSettings, 0, 12) + onEnd(0), want: good("")},
	{name: "SETTINGS of 5 bytes", said: op(opSettings, 2, 0) + onEnd(0), want: bad},
	{name: "SETTINGS on a stream", said: op(opRaw, 9, 0, 0, 0, 4, 0, 0, 0, 0, 1) + onEnd(0), want: bad},
	{name: "SETTINGS ack with more", said: op(opSettings, 1, 0) + onEnd(0), want: bad},
	{name: "SETTINGS without end", said: op(opSettings, 0, 12) + op(opRepeat, 250) + onEnd(0), want: bad},
	{name: "PING", said: op(opPing, 0) + op(opRepeat, 5) + onEnd(0), want: good("")},
	{name: "PING without end", said: op(opPing, 0) + op(opRepeat, 250) + onEnd(0), want: bad},
	{name: "PING ack without end", said: op(opPing, 1) + op(opRepeat, 250) + onEnd(0), want: bad},
	{name: "PING on a stream", said: op(opRaw, 17, 0, 0, 8, 6, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0), want: bad},
	{name: "PING of 4 bytes", said: op(opRaw, 13, 0, 0, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0), want: bad},
	{name: "WINDOW_UPDATE of 0", said: op(opWindow, 0, 0) + onEnd(0), want: bad},
	{name: "WINDOW_UPDATE of 0 on the connection", said: op(opWindow, 5, 0) + onEnd(0), want: bad},
	{name: "WINDOW_UPDATE beyond", said: op(opWindow, 5, 255) + op(opRepeat, 1) + onEnd(0), want: bad},
	{name: "WINDOW_UPDATE of a stream to come", said: op(opWindow, 6, 1) + onEnd(0), want: bad},
	{name: "WINDOW_UPDATE behind the end", said: onHead(1) + dataEnd(5) + op(opWindow, 0, 1), want: good("ddddd")},
	{name: "PUSH_PROMISE", said: op(opPush, 0, 0) + onEnd(0), want: bad},
	{name: "CONTINUATION of nothing", said: op(opContinue, 0, 0, 4), want: bad},
	{name: "CONTINUATION behind the end", said: onEnd(0) + op(opContinue, 0, 0, 4), want: good("")},
	{name: "CONTINUATION of another", said: op(opHeaders, 0, 0, 1) + op(opContinue, 7, 29, 4), want: bad},
	{name: "CONTINUATION without end", said: op(opHeaders, 0, 0, 0) + op(opContinue, 0, 29, 0) + op(opRepeat, 250), want: bad},
	{name: "CONTINUATION with something between", said: op(opHeaders, 0, 0, 1) + op(opPing, 0) + op(opContinue, 0, 29, 4), want: bad},
	{name: "in parts", said: op(opHeaders, 0, 0, 1) + op(opContinue, 0, 29, 4), want: good("")},
	{name: "HEADERS on the connection", said: op(opHeaders, 5, 0, 5), want: bad},
	{name: "HEADERS on a stream to come", said: op(opHeaders, 6, 0, 5), want: bad},
	{name: "HEADERS on a stream of the server's", said: op(opHeaders, 7, 0, 5), want: bad},
	{name: "HEADERS of no compression", said: op(opRaw, 10, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0xff), want: bad},
	{name: "HEADERS of an index beyond", said: op(opRaw, 10, 0, 0, 1, 1, 5, 0, 0, 0, 1, 0xfe), want: bad},
	{name: "HEADERS of a table beyond", said: op(opRaw, 13, 0, 0, 4, 1, 5, 0, 0, 0, 1, 0x3f, 0xff, 0xff, 0x03), want: bad},
	{name: "HEADERS with more padding than frame", said: op(opRaw, 11, 0, 0, 2, 1, 0x0d, 0, 0, 0, 1, 9, 0x88), want: bad},
	{name: "DATA on the connection", said: op(opData, 5, 0, 5), want: bad},
	{name: "DATA on a stream to come", said: op(opData, 6, 0, 5), want: bad},
	{name: "DATA with more padding than frame", said: onHead(0) + op(opRaw, 10, 0, 0, 1, 0, 9, 0, 0, 0, 1, 9), want: broken},
	{name: "DATA without end or content", said: onHead(0) + op(opData, 0, 0, 0) + op(opRepeat, 250) + dataEnd(0), want: broken},
	{name: "DATA beyond the window", said: onHead(0) + op(opData, 0, 0x80, 255) + op(opRepeat, 250) + dataEnd(0), want: broken},
	{name: "PRIORITY", said: op(opPriority, 0) + onEnd(0), want: bad},
	{name: "unknown frames", said: op(opUnknown, 0, 99, 9) + op(opUnknown, 5, 77, 9) + onEnd(0), want: good("")},
	{name: "unknown frames without end", said: op(opUnknown, 0, 99, 9) + op(opRepeat, 250) + onEnd(0), want: bad},
	{name: "a frame too large", said: op(opRaw, 9, 0, 0x40, 1, 0, 0, 0, 0, 0, 1), want: bad},
	{name: "HTTP/1", said: op(append([]byte{opRaw, 19}, "HTTP/1.1 200 OK\r\n\r\n"...)...), want: bad},
	{name: "nothing", said: "", want: bad},
	{name: "nothing, reset", said: "", ending: endRST, want: bad},
	{name: "half of a frame", said: op(opRaw, 5, 0, 0, 1, 1, 5), want: bad},
	{name: "half of a head", said: op(opHeaders, 0, 0, 1), want: bad},
	{name: "half of a body", said: onHead(1) + op(opData, 0, 0, 2), want: broken},
}

// TestHostileAnswers is every row to every client. What a client asks for after it is answered as itself.
func TestHostileAnswers(t *testing.T) {
	for protocol, rows := range map[lbv1.BackendProtocol][]hostileAnswer{
		lbv1.BackendProtocol_HTTP: hostileAnswers1, lbv1.BackendProtocol_H2C: hostileAnswers2,
	} {
		for _, kind := range []string{"1.0", "1.1", "2"} {
			t.Run(fmt.Sprintf("%s to %s", protocol, kind), func(t *testing.T) {
				t.Parallel()
				h := newHostileRig(t, protocol)
				for _, row := range rows {
					t.Run(row.name, func(t *testing.T) {
						h.answers(t, kind, &row, noBody)
						if row.ending == endFIN {
							row.ending = endKeep
							h.answers(t, kind, &row, noBody)
						}
					})
				}
			})
		}
	}
}

// upload is how a request has a body.
type uploadKind string

const (
	noBody  uploadKind = "no body"
	whole   uploadKind = "whole"
	inParts uploadKind = "in parts" // the second comes when the backend has said all
)

// answers plays a row to one client.
func (h *hostileRig) answers(t *testing.T, kind string, row *hostileAnswer, upload uploadKind) {
	client := callers[kind](t, h.addr)
	defer h.backend.hangUp()
	s := &script{
		segments: func(stream uint32) [][]byte {
			if h.speaks2 {
				return framesOf([]byte(row.said), stream)
			}
			return bytes.Split([]byte(row.said), []byte{separator})
		},
		ending: row.ending, early: upload != noBody, over: make(chan struct{}), answered: make(chan struct{}),
	}
	h.backend.play(s)
	method, more := row.method, (<-chan struct{})(nil)
	switch {
	case upload == whole:
		now := make(chan struct{})
		close(now)
		method, more = "POST", now
	case upload == inParts:
		method, more = "POST", s.over
	case method == "":
		method = "GET"
	}
	got, err := client.call(method, hostilePath, "first, ", "second", more)
	<-s.over
	close(s.answered)
	clean(t, kind, got, err)
	row.want.judge(t, got, err)
	h.same(t, client, "next", row.ending == endHalf)
	h.backend.hangUp()
	h.same(t, client, "last", false)
	if n := h.panics.Load(); n > 0 {
		t.Fatal("the proxy has panicked")
	}
}

func (v verdict) judge(t *testing.T, got reply, err error) {
	t.Helper()
	whole := err == nil && got.cut == nil
	switch {
	case v.broken && whole && got.status != 502:
		t.Errorf("it looks whole: %d %q", got.status, got.body)
	case !v.broken && (!whole || got.status != v.status || v.status < 500 && got.body != v.body):
		t.Errorf("got %v, %d %q %v; want %d %q", err, got.status, got.body, got.cut, v.status, v.body)
	}
}

// again is what a sane backend says to an upload that is sent once more.
var again = good("POST " + hostilePath + " first, second")

const noMore = "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"

// earlyAnswers1 and earlyAnswers2 are said before the body of a request has come, or all of it.
var earlyAnswers1 = []hostileAnswer{
	{name: "answer", said: noMore, ending: endKeep, want: verdict{status: 413, body: "no"}},
	{name: "answer and FIN", said: noMore, want: verdict{status: 413, body: "no"}},
	{name: "answer and reset", said: noMore, ending: endRST, want: verdict{status: 413, body: "no"}},
	{name: "answer and half close", said: noMore, ending: endHalf, want: verdict{status: 413, body: "no"}},
	{name: "answer and another", said: noMore + noMore, ending: endKeep, want: verdict{status: 413, body: "no"}},
	{name: answerUntilClose, said: ok11 + "\r\nok", want: good("ok")},
	{name: "answer until half close", said: ok11 + "\r\nok", ending: endHalf, want: good("ok")},
	{name: "answer in chunks", said: chunk + "2\r\nok\r\n0\r\n\r\n", want: good("ok")},
	{name: "100 and an answer", said: "HTTP/1.1 100 Continue\r\n\r\n" + noMore, want: verdict{status: 413, body: "no"}},
	{name: "204", said: "HTTP/1.1 204 No Content\r\n\r\n", want: verdict{status: 204}},
	{name: "half an answer", said: ok11 + "Content-Length: 3\r\n\r\nok", want: broken},
	{name: "half an answer and reset", said: ok11 + "Content-Length: 3\r\n\r\nok", ending: endRST, want: broken},
	{name: "half a head", said: ok11, want: bad},
	{name: "no answer", said: "hello\r\n\r\n", want: bad},
	{name: "FIN", said: "", want: bad},
	{name: "reset", said: "", ending: endRST, want: bad},
	{name: "half close", said: "", ending: endHalf, want: bad},
	{name: "100 and FIN", said: "HTTP/1.1 100 Continue\r\n\r\n", want: bad},
}

var earlyAnswers2 = []hostileAnswer{
	{name: "answer", said: onEnd(36), want: verdict{status: 413}},
	{name: "answer with a body", said: onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "answer and no more", said: onEnd(36) + op(opReset, 0, 0), want: verdict{status: 413}},
	{name: "answer and CANCEL", said: onEnd(36) + op(opReset, 0, 8), want: verdict{status: 413}},
	{name: "answer and REFUSED_STREAM", said: onEnd(36) + op(opReset, 0, 7), want: verdict{status: 413}},
	{name: "answer and PROTOCOL_ERROR", said: onEnd(36) + op(opReset, 0, 1), want: verdict{status: 413}},
	{name: "answer with a body and no more", said: onHead(1) + dataEnd(5) + op(opReset, 0, 0), want: good("ddddd")},
	{name: "answer and GOAWAY before it", said: onEnd(36) + op(opGoAway, 5, 0), want: verdict{status: 413}},
	{name: "answer and GOAWAY with it", said: onEnd(36) + op(opGoAway, 0, 0), want: verdict{status: 413}},
	{name: "answer and GOAWAY with an error", said: onEnd(36) + op(opGoAway, 0, 2), want: verdict{status: 413}},
	{name: "answer and reset", said: onEnd(36), ending: endRST, want: verdict{status: 413}},
	{name: "answer and half close", said: onEnd(36), ending: endHalf, want: verdict{status: 413}},
	{name: "answer, more behind its end", said: onEnd(36) + dataEnd(5), want: verdict{status: 413}},
	{name: "answer without room", said: op(opSettings, 0, 0) + onEnd(36), want: verdict{status: 413}},
	{name: "no room and no answer", said: op(opSettings, 0, 0), want: bad},
	{name: "100 and an answer", said: onHead(6) + onEnd(36), want: verdict{status: 413}},
	{name: "REFUSED_STREAM", said: op(opReset, 0, 7), want: again},
	{name: "REFUSED_STREAM after 100", said: onHead(6) + op(opReset, 0, 7), want: again},
	{name: "RST_STREAM", said: op(opReset, 0, 8), want: bad},
	{name: "RST_STREAM without error", said: op(opReset, 0, 0), want: bad},
	{name: "half an answer and REFUSED_STREAM", said: onHead(1) + op(opData, 0, 0, 2) + op(opReset, 0, 7), want: broken},
	{name: "half an answer and RST_STREAM", said: onHead(1) + op(opData, 0, 0, 2) + op(opReset, 0, 0), want: broken},
	{name: "GOAWAY before it", said: op(opGoAway, 5, 0), want: again},
	{name: "GOAWAY before it, with an error", said: op(opGoAway, 5, 2), want: again},
	{name: "GOAWAY before it, reset", said: op(opGoAway, 5, 0), ending: endRST, want: again},
	{name: "GOAWAY before it, half closed", said: op(opGoAway, 5, 0), ending: endHalf, want: again},
	{name: "GOAWAY behind it, then before it", said: op(opGoAway, 6, 0) + op(opGoAway, 5, 0), want: again},
	{name: "GOAWAY with it", said: op(opGoAway, 0, 0), want: bad},
	{name: "GOAWAY with it, reset", said: op(opGoAway, 0, 0), ending: endRST, want: bad},
	{name: "GOAWAY behind it", said: op(opGoAway, 6, 0), want: bad},
	{name: "GOAWAY with it, and an answer", said: op(opGoAway, 0, 0) + onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "GOAWAY behind it, and an answer", said: op(opGoAway, 6, 0) + onHead(1) + dataEnd(5), want: good("ddddd")},
	{name: "WINDOW_UPDATE beyond, and an answer", said: op(opWindow, 0, 255) + op(opRepeat, 1) + onEnd(0), want: bad},
	{name: "FIN", said: "", want: bad},
	{name: "reset", said: "", ending: endRST, want: bad},
	{name: "half close", said: "", ending: endHalf, want: bad},
}

// TestHostileEarlyAnswers is every row to every client with a body that is at hand, and with one whose second part comes when all
// has been said.
func TestHostileEarlyAnswers(t *testing.T) {
	for protocol, rows := range map[lbv1.BackendProtocol][]hostileAnswer{
		lbv1.BackendProtocol_HTTP: earlyAnswers1, lbv1.BackendProtocol_H2C: earlyAnswers2,
	} {
		for _, kind := range []string{"1.0", "1.1", "2"} {
			t.Run(fmt.Sprintf("%s to %s", protocol, kind), func(t *testing.T) {
				t.Parallel()
				h := newHostileRig(t, protocol)
				for _, row := range rows {
					for _, upload := range []uploadKind{whole, inParts} {
						if upload == inParts && row.name == answerUntilClose {
							continue // the second part has the backend's system reset, which may overtake the end that is the body's
						}
						t.Run(row.name+" "+string(upload), func(t *testing.T) { h.answers(t, kind, &row, upload) })
					}
				}
			})
		}
	}
}
