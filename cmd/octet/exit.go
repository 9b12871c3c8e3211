package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/calibrate/budget"
	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/dnnl"
	"github.com/octet-dnn/octet/graph"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/internal/eval"
	"github.com/octet-dnn/octet/model"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailure     = 1
	exitBadInput    = 2 // or usage
	exitEnvironment = 3
	exitInterrupted = 130
)

// A usageError is a command line that means nothing.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// An environmentError is a machine on which Octet cannot work.
type environmentError struct{ error }

func (e environmentError) Unwrap() error { return e.error }

// What the machine is to blame for, and what the input.
var (
	environmental = []error{
		dnnl.ErrNoCgo, dnnl.ErrOutOfMemory,
		syscall.ENOSPC, syscall.EDQUOT, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE, syscall.EIO,
	}
	badInput = []error{
		model.ErrFormat, model.ErrUnsupported, model.ErrTooLarge,
		graph.ErrProgram, graph.ErrGraph, graph.ErrShape, graph.ErrUnsupported,
		dataset.ErrBadImage, dataset.ErrList, dataset.ErrPreset,
		calibrate.ErrNotFinite, calibrate.ErrOptions, calibrate.ErrNoSamples, calibrate.ErrMismatch,
		calibrate.ErrTable, calibrate.ErrTruncated, calibrate.ErrOtherModel, calibrate.ErrUnknownTensor, calibrate.ErrMissingTensor,
		calibrate.ErrNoStatistics, calibrate.ErrNoProbes,
		budget.ErrModel, budget.ErrState,
		eval.ErrModel, eval.ErrLabels, eval.ErrNotFinite,
		infer.ErrPin,
		fs.ErrNotExist, fs.ErrExist, fs.ErrPermission,
		syscall.EROFS, syscall.ENOTDIR, syscall.EISDIR, syscall.ELOOP, syscall.ENAMETOOLONG,
	}
)

// exitCode tells what kind of error err is.
func exitCode(ctx context.Context, err error) int {
	is := func(target error) bool { return errors.Is(err, target) }
	var usage usageError
	var environment environmentError
	switch {
	case err == nil:
		return exitOK
	case interrupted(ctx, err):
		return exitInterrupted
	case errors.As(err, &usage):
		return exitBadInput
	case errors.As(err, &environment) || slices.ContainsFunc(environmental, is):
		return exitEnvironment
	case slices.ContainsFunc(badInput, is):
		return exitBadInput
	}
	return exitFailure
}

func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}

// message is err in one line.
func message(ctx context.Context, err error) string {
	if interrupted(ctx, err) {
		return "interrupted"
	}
	return printable(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}
