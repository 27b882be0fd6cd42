// Package lab runs the pages of docs/tutorials in a lab of real Kubernetes clusters, command by command, and compares what is printed
// with what the page shows.
//
// In: Markdown pages. A block of sh is run, by one bash inside the lab for the whole page; a block of text is what the block of sh
// before it prints. A block of console is for the reader alone. Commands that only ask are asked again until the answer is as shown;
// those that change something run once, and have to succeed. Out: the line of the page that is not true, and what was printed instead.
//
//	make lab-test          # every page
//	go test ./test/lab     # how pages are read and compared, without a lab
package lab
