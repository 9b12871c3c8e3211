package conformance

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/octet-dnn/octet/internal/ref"
)

// Own is what a case about one of Octet's own kernels asks of a Backend. To the
// reference it is a case like others; but the kernels have what they take, and
// promises of equality, too.
type Own struct {
	Kernel string // its name, as in octet_smallmap:avx512_core; "" where the case is about a chain
	// Refused asks the backend to see that the kernel does not take the
	// problem, and for the result of what is done instead.
	Refused bool
	Threads int // that share the work
}

// ownKernel reads what all of these kinds have in common.
func (b *builder) ownKernel(kernel string) {
	b.own = &Own{Kernel: kernel, Refused: b.flag("refused"), Threads: b.integer("threads", 1)}
	if b.own.Threads < 1 {
		b.fail("threads", fmt.Errorf("want one at least"))
	}
}

// preset gives a field of a kind a default of its own.
func (b *builder) preset(key, value string) {
	if _, given := b.values[key]; !given {
		b.values[key] = value
	}
}

// buildOwnDepthwise: as many groups and output channels as channels.
func buildOwnDepthwise(b *builder) (ref.Op, error) {
	b.ownKernel("octet_dw:avx512_core_vnni")
	src := b.tensors("src")[0]
	if len(src.Dims) != 4 {
		return nil, fmt.Errorf("src %v: want four dims", src)
	}
	for _, key := range []string{"wei", "g"} {
		b.preset(key, strconv.Itoa(src.Dims[1]))
	}
	b.preset("stag", "acdb")
	b.preset("dtag", "acdb")
	return b.convolution(geometry.out)
}

func buildSmallMap(b *builder) (ref.Op, error) {
	b.ownKernel("octet_smallmap:avx512_core")
	b.preset("stag", "acdb")
	b.preset("dtag", "acdb")
	return b.convolution(geometry.out)
}

// buildFloatStem: the source is one row of each channel.
func buildFloatStem(b *builder) (ref.Op, error) {
	b.ownKernel("octet_stem_f32:avx512_core")
	b.preset("stag", "abcd")
	b.preset("dtag", "acdb")
	return b.convolution(geometry.out)
}

// A Lanes is a chain of steps that run side by side. Its lanes are the rows of
// Src; in every round each lane computes Alpha*x + Beta of what the next one
// had, so that all of them wait for one another.
type Lanes struct {
	Src, Dst    *ref.Tensor
	Rounds      int
	Alpha, Beta float64
}

// Run fills Dst.
func (l *Lanes) Run() error {
	lanes, width := l.Src.Dims[0], l.Src.Dims[1]
	now := slices.Clone(l.Src.Data)
	for range l.Rounds {
		next := make([]float64, len(now))
		for i := range next {
			next[i] = l.Src.DType.Round(l.Alpha*now[(i+width)%(lanes*width)] + l.Beta)
		}
		now = next
	}
	copy(l.Dst.Data, now)
	return nil
}

// Result is Dst.
func (l *Lanes) Result() *ref.Tensor { return l.Dst }

func buildLanes(b *builder) (ref.Op, error) {
	b.ownKernel("")
	src := b.tensors("src")[0]
	if len(src.Dims) != 2 || src.DType != ref.F32 {
		return nil, fmt.Errorf("src %v: want f32:LANESxWIDTH", src)
	}
	b.fill.source("src", src)
	return &Lanes{
		Src: src, Dst: ref.NewTensor(ref.F32, src.Dims...), Rounds: b.integer("rounds", 1),
		Alpha: b.number("alpha", 2), Beta: b.number("beta", 1),
	}, nil
}

// samePeer holds a result against that of the peer to the byte.
func samePeer(r *Result) error {
	if r.Peer == nil || bytes.Equal(r.Dst.Bytes(), r.Peer.Bytes()) {
		return nil
	}
	for i, index := range ref.Indices(r.Dst.Dims) {
		if got, want := r.Dst.Data[i], r.Peer.Data[i]; got != want {
			return fmt.Errorf("%w at %v: %v, but %v by %s", ErrMismatch, index, got, want, r.PeerImpl)
		}
	}
	return fmt.Errorf("%w: a zero of another sign than by %s", ErrMismatch, r.PeerImpl)
}
