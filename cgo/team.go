package cgo

// #include "shim.h"
//
// #cgo noescape octet_team_run
// #cgo nocallback octet_team_run
import "C"

import "unsafe"

// CreateTeam starts a thread on which chains run.
func CreateTeam() (Team, Status) {
	h := C.octet_team_create()
	if h == nil {
		return Team{}, StatusOutOfMemory
	}
	return Team{unsafe.Pointer(h)}, StatusSuccess
}

func (t Team) c() *C.octet_team { return (*C.octet_team)(t.p) }

// Run is c.Run on the thread of the team. It must not be called again before it
// returns. With cpus, this thread and the helpers that OpenMP gives it are there
// until a run comes with others, or without.
func (t Team) Run(c Chain, s Stream, threads int, cpus *CPUSet, ptrs []unsafe.Pointer, ns []int64, runs int) (Status, int) {
	r := C.octet_team_run(t.c(), c.c(), s.c(), C.int(threads), cpus.c(), addresses(ptrs), times(ns), C.int(runs))
	return Status(r.status), int(r.step)
}

// Destroy ends the thread.
func (t Team) Destroy() { C.octet_team_destroy(t.c()) }
