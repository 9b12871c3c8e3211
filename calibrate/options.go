package calibrate

import (
	"fmt"
	"log/slog"

	"github.com/octet-dnn/octet/graph"
)

// Options configure New and Quantize. The zero value, with a Runner, does what
// Paddle 1.3's Calibrator does by default, more accurately.
type Options struct {
	// Algorithm chooses the thresholds; empty means Max.
	Algorithm Algorithm
	// Compat asks for Paddle 1.3's own thresholds.
	Compat Compat
	// Runner makes the FP32 executor: infer.NewRunner. New requires it.
	Runner NewRunner

	// Refine makes the INT8 layers give on the samples what the FP32 layers give,
	// as nearly as integers allow: weights are rounded up or down together, their
	// mean error goes into the biases, and global averages are quantised by scales of
	// their own, whatever INT8AveragePool says. Thresholds stay as they are, so does the speed of the
	// result. It costs some more passes over at most 512 images, those with the smallest
	// digests, when the INT8 graph is first asked for; samples that came by Restore have
	// to be shown again for it (Offer). Not for Compat.
	Refine bool

	// Protect makes the INT8 model give the same on CPUs without VNNI, which add
	// pairs of products in 16 bits, as on others: it lowers the scale of those
	// output channels whose weights could overflow, as little as that needs.
	// CheckPairs tells what is proved. Convolutions of signed tensors can only be
	// protected together with Refine. Not for Compat.
	Protect bool

	// FirstConvINT8 quantises the first convolution too. It reads the image,
	// costs little and is the most sensitive, so it stays FP32 by default.
	FirstConvINT8 bool
	// Pixels, unless nil, has the first convolution read the 8-bit pixels that the input was
	// made of, in INT8. They cost nothing to quantise, in accuracy; and
	// infer.Options.Pixels then takes them as they are. An input that was made of other
	// pixels, such as a picture resized after it was normalised, is rounded to
	// whole ones. Not for Compat.
	Pixels *Pixels
	// FP32FullyConnected keeps fully connected layers FP32, as Paddle 1.3 did.
	FP32FullyConnected bool
	// FP32Layers names further layers to keep FP32, as the FP32 graph calls them: by the
	// tensor that they give. Calibrator.Layers lists those there are; a name of none is an
	// ErrOptions. See Calibrator.LeaveFP32.
	FP32Layers []string
	// INT8AveragePool averages whole maps as integers, which keep their scale, as Paddle 1.3
	// did and as Compat does. Averages are several times smaller than what they average,
	// so that leaves them few levels; by default they are computed in FP32 and
	// quantised by a scale of their own, which costs a pass over a small tensor.
	INT8AveragePool bool
	// FP32Elementwise keeps the maps FP32 that sums, gates and normalisations
	// outside of convolutions read. They are integers otherwise where the result
	// is quantised, which moves a quarter of the memory and rounds once more.
	FP32Elementwise bool
	// Residual says what to do where a relu follows the sum with a signed residual.
	Residual Residual

	// Form is the form of program that SaveINT8Model writes: graph.FormFused
	// for Paddle 2.6 and later, graph.FormV13 for Paddle 1.3 (later versions
	// compute something else from it, without an error), graph.FormQDQ for a
	// file of a quarter of the size that Paddle 2.6 and later quantise themselves.
	Form graph.Form
	// TempDir is where a Calibrator that needs samples twice keeps them meanwhile, in one
	// file that no name points to: up to 512 for Refine, all for Paddle13 with KL.
	// Empty means the system's.
	TempDir string
	// Logger hears at debug level what Quantize decided for each layer, and at
	// info level of a second pass and of how far thresholds still move. Nil is silent.
	Logger *slog.Logger
}

// Residual is a strategy for residual sums that end in a relu while the residual
// itself is signed, such as the projection shortcuts of ResNet. Paddle gives the
// result of a fused sum the type of its residual, s8: it saturates at 127.
//
// A sum without relu whose residual is unsigned can be fused in no form, and is
// always treated as by ResidualFP32.
type Residual uint8

const (
	// ResidualFP32 takes the sum out of the convolution: both branches give FP32,
	// sum and relu are FP32, and the result quantises to u8. Accurate, and the same in
	// every form of program; it moves more memory.
	ResidualFP32 Residual = iota
	// ResidualS8 keeps the sum fused and scales its result to 0…127, which
	// leaves it 7 of its 8 bits.
	ResidualS8
	// ResidualPaddle13 keeps the sum fused and scales its result to 0…255 as
	// Paddle 1.3 did, so that everything above half the threshold is clipped.
	ResidualPaddle13
)

func (o Options) check() error {
	if err := checkAlgorithm(o.Algorithm, o.Compat); err != nil {
		return err
	}
	if (o.Refine || o.Protect) && o.Compat != None {
		return fmt.Errorf("compat %q is exact, it can be neither refined nor protected: %w", o.Compat, ErrOptions)
	}
	if o.Pixels != nil && o.Compat != None {
		return fmt.Errorf("compat %q is exact, it does not read pixels: %w", o.Compat, ErrOptions)
	}
	if err := o.Pixels.check(); err != nil {
		return err
	}
	if o.Residual > ResidualPaddle13 {
		return fmt.Errorf("residual strategy %d: %w", o.Residual, ErrOptions)
	}
	return nil
}

// fp32AveragePool reports whether averages over whole maps have scales of their own.
func (o Options) fp32AveragePool() bool { return !o.INT8AveragePool && o.Compat != Paddle13 }

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}
