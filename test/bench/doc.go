// Command bench compares Spillway's data plane with other proxies on this machine, side by side in one run.
//
// In: flags (-cases, -peers, -rounds, -seconds) and the peers' binaries, found on PATH or by the flags. Out: Markdown
// tables on standard output: CPU time per request from the process accounting of each proxy, throughput, latency,
// memory, and the ratios of Spillway to each peer.
//
// All peers of a case run at the same time and are loaded in turn, round by round, so that a machine whose speed
// drifts does so for all of them; a table shows medians. The load generator, the backend and two small servers (a
// net/http reverse proxy and a busy loop) are this same binary, started as processes of their own. Traffic stays on
// 127.0.0.1, and every loop is bounded by time.
package main
