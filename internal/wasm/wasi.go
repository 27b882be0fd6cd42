package wasm

import (
	"bytes"
	"crypto/rand"
	"maps"
	"slices"
	"strconv"
)

// The error numbers of WASI that are used here.
const (
	success          = 0
	errnoBadFile     = 8
	errnoFault       = 21
	errnoInvalid     = 28
	errnoNoEntry     = 44
	errnoNoFunction  = 52
	errnoUnsupported = 58
)

// answers makes a function that always answers the same: there are no files and no sockets here.
func answers(errno uint32) func(*instance, arguments) uint32 {
	return func(*instance, arguments) uint32 { return errno }
}

// onOutput makes a function that does nothing to standard output and error, and knows no other file.
func onOutput(otherwise uint32) func(*instance, arguments) uint32 {
	return func(_ *instance, a arguments) uint32 {
		if isOutput(a.u32(0)) {
			return otherwise
		}
		return errnoBadFile
	}
}

func isOutput(fd uint32) bool { return fd == 1 || fd == 2 }

// wasiFunctions are all of WASI preview 1. What Envoy's host has answers as it does there.
var wasiFunctions = map[string]hostFunction{
	"args_get":                {"ii>i", true, answers(success)},
	"args_sizes_get":          {"ii>i", true, argsSizes},
	"environ_get":             {"ii>i", true, environ},
	"environ_sizes_get":       {"ii>i", true, environSizes},
	"clock_res_get":           {"ii>i", true, clockResolution},
	"clock_time_get":          {"ili>i", true, clockTime},
	"fd_advise":               {"illi>i", true, answers(success)},
	"fd_allocate":             {"ill>i", true, onOutput(success)},
	"fd_close":                {"i>i", true, answers(success)},
	"fd_datasync":             {"i>i", true, onOutput(success)},
	"fd_fdstat_get":           {"ii>i", true, fdStat},
	"fd_fdstat_set_flags":     {"ii>i", true, answers(errnoNoFunction)},
	"fd_fdstat_set_rights":    {"ill>i", true, onOutput(success)},
	"fd_filestat_get":         {"ii>i", true, answers(errnoBadFile)},
	"fd_filestat_set_size":    {"il>i", true, onOutput(success)},
	"fd_filestat_set_times":   {"illi>i", true, onOutput(success)},
	"fd_pread":                {"iiili>i", true, answers(errnoNoFunction)},
	"fd_prestat_dir_name":     {"iii>i", true, answers(errnoNoFunction)},
	"fd_prestat_get":          {"ii>i", true, answers(errnoBadFile)},
	"fd_pwrite":               {"iiili>i", true, fdPwrite},
	"fd_read":                 {"iiii>i", true, answers(errnoNoFunction)},
	"fd_readdir":              {"iiili>i", true, answers(20)}, // Envoy's host has this number, too
	"fd_renumber":             {"ii>i", true, onOutput(errnoUnsupported)},
	"fd_seek":                 {"ilii>i", true, answers(success)},
	"fd_sync":                 {"i>i", true, onOutput(success)},
	"fd_tell":                 {"ii>i", true, fdTell},
	"fd_write":                {"iiii>i", true, fdWrite},
	"path_create_directory":   {"iii>i", true, answers(errnoUnsupported)},
	"path_filestat_get":       {"iiiii>i", true, answers(errnoUnsupported)},
	"path_filestat_set_times": {"iiiilli>i", true, answers(errnoUnsupported)},
	"path_link":               {"iiiiiii>i", true, answers(errnoUnsupported)},
	"path_open":               {"iiiiillii>i", true, answers(errnoNoEntry)},
	"path_readlink":           {"iiiiii>i", true, answers(errnoUnsupported)},
	"path_remove_directory":   {"iii>i", true, answers(errnoUnsupported)},
	"path_rename":             {"iiiiii>i", true, answers(errnoUnsupported)},
	"path_symlink":            {"iiiii>i", true, answers(errnoUnsupported)},
	"path_unlink_file":        {"iii>i", true, answers(errnoUnsupported)},
	"poll_oneoff":             {"iiii>i", true, pollOneoff},
	"proc_exit":               {"i>", true, func(_ *instance, a arguments) uint32 { panic(exit{a.u32(0)}) }},
	"proc_raise": {"i>i", true, func(_ *instance, a arguments) uint32 {
		panic(refused{"the plugin raised signal " + strconv.Itoa(int(a.u32(0)))})
	}},
	"random_get":    {"ii>i", true, random},
	"sched_yield":   {">i", true, answers(success)},
	"sock_accept":   {"iii>i", true, answers(errnoUnsupported)},
	"sock_recv":     {"iiiiii>i", true, answers(errnoUnsupported)},
	"sock_send":     {"iiiii>i", true, answers(errnoUnsupported)},
	"sock_shutdown": {"ii>i", true, answers(errnoUnsupported)},
}

func errnoOf(written bool) uint32 {
	if !written {
		return errnoFault
	}
	return success
}

func argsSizes(in *instance, a arguments) uint32 {
	return errnoOf(in.put32(a.u32(0), 0) && in.put32(a.u32(1), 0))
}

func environSizes(in *instance, a arguments) uint32 {
	size := 0
	for name, value := range in.plugin.config.Environment {
		size += len(name) + 1 + len(value) + 1
	}
	return errnoOf(in.put32(a.u32(0), uint32(len(in.plugin.config.Environment))) && in.put32(a.u32(1), uint32(size)))
}

func environ(in *instance, a arguments) uint32 {
	words, texts := a.u32(0), a.u32(1)
	variables := in.plugin.config.Environment
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		entry := name + "=" + variables[name] + "\x00"
		if !in.put32(words, texts) || !in.memory.WriteString(texts, entry) {
			return errnoFault
		}
		words, texts = words+4, texts+uint32(len(entry))
	}
	return success
}

const (
	clockRealtime  = 0
	clockMonotonic = 1
)

func clockResolution(in *instance, a arguments) uint32 {
	if a.u32(0) > clockMonotonic {
		return errnoUnsupported
	}
	return errnoOf(in.put64(a.u32(1), 1))
}

func clockTime(in *instance, a arguments) uint32 {
	if a.u32(0) > clockMonotonic {
		return errnoUnsupported
	}
	return errnoOf(in.put64(a.u32(2), in.nanoseconds()))
}

const fdWriteRight = 64

func fdStat(in *instance, a arguments) uint32 {
	if !isOutput(a.u32(0)) {
		return errnoBadFile
	}
	at := a.u32(1)
	return errnoOf(in.put64(at, 0) && in.put64(at+8, fdWriteRight) && in.put64(at+16, 0))
}

func fdTell(in *instance, a arguments) uint32 {
	if !isOutput(a.u32(0)) {
		return errnoBadFile
	}
	return errnoOf(in.put64(a.u32(1), 0))
}

func fdWrite(in *instance, a arguments) uint32 {
	return in.output(a.u32(0), a.u32(1), a.u32(2), a.u32(3))
}

func fdPwrite(in *instance, a arguments) uint32 {
	return in.output(a.u32(0), a.u32(1), a.u32(2), a.u32(4))
}

// output makes a log record of what the guest writes: standard output is information, standard error an error.
func (in *instance) output(fd, vectors, n, outWritten uint32) uint32 {
	if !isOutput(fd) {
		return errnoBadFile
	}
	level := Info
	if fd == 2 {
		level = Error
	}
	var text []byte
	total := uint32(0)
	for i := range n {
		at, good1 := in.memory.ReadUint32Le(vectors + 8*i)
		size, good2 := in.memory.ReadUint32Le(vectors + 8*i + 4)
		piece, good3 := in.view(at, size)
		if !good1 || !good2 || !good3 {
			return errnoFault
		}
		total += size
		if len(text) <= maxLogBytes { // what is more would be cut off anyway
			text = append(text, piece...)
		}
	}
	if len(text) > 0 {
		in.log(level, string(bytes.TrimSuffix(text, []byte("\n"))))
	}
	return errnoOf(in.put32(outWritten, total))
}

func random(in *instance, a arguments) uint32 {
	n := a.u32(1)
	if n > maxRandom {
		return errnoInvalid
	}
	room, good := in.view(a.u32(0), n)
	if !good {
		return errnoFault
	}
	_, _ = rand.Read(room)
	return success
}

// pollOneoff says that nothing happened: Go's runtime calls it to sleep, and dies of another answer.
func pollOneoff(in *instance, a arguments) uint32 {
	return errnoOf(in.put32(a.u32(3), 0))
}
