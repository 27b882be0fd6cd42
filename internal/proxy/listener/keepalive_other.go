//go:build !linux

package listener

import "net"

// listenConfig has the defaults of package net, which sets them for each connection.
var listenConfig net.ListenConfig
