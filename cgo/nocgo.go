//go:build !cgo

package cgo

import "unsafe"

// What the other files do through C, as a build without it answers. No object
// can be made, so that only the makers and the calls about the process matter.

func CreateEngine() (Engine, Status)                             { return Engine{}, StatusNoCgo }
func (Engine) Destroy()                                          {}
func CreateStream(Engine) (Stream, Status)                       { return Stream{}, StatusNoCgo }
func (Stream) Wait() Status                                      { return StatusNoCgo }
func (Stream) Destroy()                                          {}
func CreateDesc([]int, int32, int32) (Desc, Status)              { return Desc{}, StatusNoCgo }
func CreateStridedDesc([]int, []int, int32) (Desc, Status)       { return Desc{}, StatusNoCgo }
func (Desc) Submemory([]int, []int) (Desc, Status)               { return Desc{}, StatusNoCgo }
func (Desc) Reshape([]int) (Desc, Status)                        { return Desc{}, StatusNoCgo }
func (Desc) Permute([]int) (Desc, Status)                        { return Desc{}, StatusNoCgo }
func (Desc) Clone() (Desc, Status)                               { return Desc{}, StatusNoCgo }
func (Desc) Equal(Desc) bool                                     { return false }
func (Desc) Describe() (DescInfo, Status)                        { return DescInfo{}, StatusNoCgo }
func (Desc) Destroy()                                            {}
func CreateMemory(Engine, Desc, unsafe.Pointer) (Memory, Status) { return Memory{}, StatusNoCgo }
func (Memory) Destroy()                                          {}
func AllocBuffer(int) (unsafe.Pointer, Status)                   { return nil, StatusNoCgo }
func FreeBuffer(unsafe.Pointer, int)                             {}
func CreatePrimitive(Engine, *Spec) (Primitive, Status)          { return Primitive{}, StatusNoCgo }
func Impls(Engine, *Spec) ([]string, Status)                     { return nil, StatusNoCgo }
func (Primitive) Desc(int32) (Desc, Status)                      { return Desc{}, StatusNoCgo }
func (Primitive) ArgSize(int32) int                              { return 0 }
func (Primitive) Impl() string                                   { return "" }
func (Primitive) Execute(Stream, []ExecArg) Status               { return StatusNoCgo }
func (Primitive) Mismatch([]ExecArg) int                         { return -1 }
func (Primitive) Destroy()                                       {}
func CreateChain([]ChainStep, []ChainBound) (Chain, Status)      { return Chain{}, StatusNoCgo }
func (Chain) Run(Stream, int, *CPUSet, []unsafe.Pointer, []int64, int) (Status, int) {
	return StatusNoCgo, -1
}
func (Chain) Destroy()           {}
func CreateTeam() (Team, Status) { return Team{}, StatusNoCgo }
func (Team) Run(Chain, Stream, int, *CPUSet, []unsafe.Pointer, []int64, int) (Status, int) {
	return StatusNoCgo, -1
}
func (Team) Destroy()             {}
func SetNumThreads(int) bool      { return false }
func CanPin() bool                { return false }
func SetMaxCPUISA(int32) Status   { return StatusNoCgo }
func EffectiveCPUISA() int32      { return 0 }
func LibraryVersion() Version     { return Version{Runtime: "none"} }
func Constants() map[string]int64 { return nil }
