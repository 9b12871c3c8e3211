package accept

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// fp32Tol is the project's promise for FP32 beside Paddle, of the largest
// magnitude of an output.
const fp32Tol = 1e-4

// A golden is a model of another maker with what Paddle computed.
type golden struct {
	name  string
	model string   // what model.Load is given
	in    string   // folder of the inputs, in_NAME.npy or in_COLUMN.npy; or an .npy
	out   []string // files, in the order of the fetches
}

// differs loads and runs g. It returns how far the farthest output is from
// Paddle's, of its largest magnitude, and the model that was run.
func (g golden) differs(t *testing.T) (float64, *model.Model, error) {
	t.Helper()
	m, err := model.Load(g.model)
	if err != nil {
		return math.Inf(1), nil, err
	}
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return math.Inf(1), m, err
	}
	defer p.Close()
	var in []*model.Tensor
	for i, s := range p.Inputs() {
		in = append(in, readNpy(t, g.input(s.Name, i)))
	}
	out, err := p.Run(t.Context(), in)
	if err != nil {
		return math.Inf(1), m, err
	}
	if len(out) != len(g.out) {
		return math.Inf(1), m, fmt.Errorf("%d outputs: Paddle has %d", len(out), len(g.out))
	}
	worst := 0.0
	for i, file := range g.out {
		d, err := relative(out[i], readNpy(t, file))
		if err != nil {
			return math.Inf(1), m, fmt.Errorf("output %d: %w", i, err)
		}
		worst = max(worst, d)
	}
	return worst, m, nil
}

func (g golden) input(name string, column int) string {
	if filepath.Ext(g.in) == ".npy" {
		return g.in
	}
	if named := filepath.Join(g.in, "in_"+name+".npy"); isFile(named) {
		return named
	}
	return filepath.Join(g.in, fmt.Sprintf("in_%d.npy", column))
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// relative returns the largest difference of two tensors, of the largest
// magnitude in want. Dims and types must agree, integers must be equal.
func relative(got, want *model.Tensor) (float64, error) {
	if got.DType != want.DType || !slices.Equal(got.Dims, want.Dims) {
		return 0, fmt.Errorf("%v %v, want %v %v", got.DType, got.Dims, want.DType, want.Dims)
	}
	if got.DType != model.FP32 {
		if !slices.Equal(got.Data, want.Data) {
			return 0, fmt.Errorf("other integers of %v %v", got.DType, got.Dims)
		}
		return 0, nil
	}
	top, far := 1e-30, 0.0
	g := got.Float32s()
	for i, w := range want.Float32s() {
		top = max(top, math.Abs(float64(w)))
		if d := math.Abs(float64(g[i]) - float64(w)); !(d <= far) {
			far = d
		}
	}
	return far / top, nil
}

// readNpy reads an array of float32, int32 or int64.
func readNpy(t *testing.T, path string) *model.Tensor {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := npyio.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	dims := []int64{}
	for _, d := range r.Header.Descr.Shape {
		dims = append(dims, int64(d))
	}
	var out *model.Tensor
	switch typ := r.Header.Descr.Type; typ {
	case "<f4":
		var x []float32
		if err = r.Read(&x); err == nil {
			out, err = model.Float32Tensor(x, dims...)
		}
	case "<i4":
		var x []int32
		err = r.Read(&x)
		out = &model.Tensor{DType: model.Int32, Dims: dims}
		for _, v := range x {
			out.Data = binary.LittleEndian.AppendUint32(out.Data, uint32(v))
		}
	case "<i8":
		var x []int64
		if err = r.Read(&x); err == nil {
			out, err = model.Int64Tensor(x, dims...)
		}
	default:
		t.Fatalf("%s: element type %q", path, typ)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}
