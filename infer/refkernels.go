package infer

import (
	"errors"
	"fmt"
)

// RefKernels says what becomes of plans in which oneDNN has no fast kernel for a
// layer and runs a reference implementation, which is 10 to 100 times slower
// and would give no sign of it.
type RefKernels int

const (
	// ReportRefKernels warns through Options.Logger and marks the layers in what
	// Predictor.Kernels returns.
	ReportRefKernels RefKernels = iota
	// RefuseRefKernels fails with ErrRefKernel.
	RefuseRefKernels
)

// ErrRefKernel is wrapped by the error of a plan that RefuseRefKernels refuses,
// which names the layer and the kernel.
var ErrRefKernel = errors.New("oneDNN has only a slow reference kernel for it")

func (r RefKernels) check() error {
	if r != ReportRefKernels && r != RefuseRefKernels {
		return fmt.Errorf("infer: option RefKernels is %d: want ReportRefKernels or RefuseRefKernels", int(r))
	}
	return nil
}

// judge returns an error for the first reference kernel of pl, if r refuses
// them.
func (r RefKernels) judge(pl *plan) error {
	if r != RefuseRefKernels {
		return nil
	}
	for _, k := range pl.kernels() {
		if k.Reference {
			return fmt.Errorf("%s %q, kernel %s: %w", k.Kind, k.Layer, k.Impl, ErrRefKernel)
		}
	}
	return nil
}
