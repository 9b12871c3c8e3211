package dnnl

import (
	"fmt"

	"github.com/octet-dnn/octet/cgo"
)

// Status is what a call into oneDNN came to.
type Status int32

// The statuses of oneDNN, and two of this package below zero.
const (
	StatusClosed           Status = -2 // the object was closed before the call
	StatusNoCgo                   = Status(cgo.StatusNoCgo)
	StatusSuccess                 = Status(cgo.StatusSuccess)
	StatusOutOfMemory             = Status(cgo.StatusOutOfMemory)
	StatusInvalidArguments        = Status(cgo.StatusInvalidArguments)
	StatusUnimplemented           = Status(cgo.StatusUnimplemented)
	StatusLastImplReached         = Status(cgo.StatusLastImplReached)
	StatusRuntimeError            = Status(cgo.StatusRuntimeError)
	StatusNotRequired             = Status(cgo.StatusNotRequired)
)

var statusNames = map[Status]string{
	StatusClosed:           "closed",
	StatusNoCgo:            "built without cgo, which oneDNN needs: build with CGO_ENABLED=1 and a C compiler",
	StatusSuccess:          "success",
	StatusOutOfMemory:      "out of memory",
	StatusInvalidArguments: "invalid arguments",
	StatusUnimplemented:    "unimplemented",
	StatusLastImplReached:  "last implementation reached",
	StatusRuntimeError:     "runtime error",
	StatusNotRequired:      "not required",
}

func (s Status) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status %d", int32(s))
}

// Error is every error of this package.
type Error struct {
	Op     string // what was attempted, "convolution.create"
	Status Status
	Detail string // of what: the shapes, the argument, the step
}

func (e *Error) Error() string {
	switch {
	case e.Op == "":
		return e.Status.String()
	case e.Detail == "":
		return e.Op + ": " + e.Status.String()
	default:
		return e.Op + ": " + e.Status.String() + ": " + e.Detail
	}
}

// Is matches the Err variables by their status alone.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Op == "" && t.Status == e.Status
}

// What callers tell apart with errors.Is.
var (
	ErrUnimplemented    error = &Error{Status: StatusUnimplemented}
	ErrInvalidArguments error = &Error{Status: StatusInvalidArguments}
	ErrOutOfMemory      error = &Error{Status: StatusOutOfMemory}
	ErrClosed           error = &Error{Status: StatusClosed}
	ErrNoCgo            error = &Error{Status: StatusNoCgo}
)

// check turns a status into an error, nil for success.
func check(op string, st cgo.Status, detail string) error {
	if st == cgo.StatusSuccess {
		return nil
	}
	return &Error{Op: op, Status: Status(st), Detail: detail}
}

func invalid(op, format string, args ...any) error {
	return &Error{Op: op, Status: StatusInvalidArguments, Detail: fmt.Sprintf(format, args...)}
}

func closed(op, what string) error {
	return &Error{Op: op, Status: StatusClosed, Detail: what}
}
