package infer

import (
	"os"
	"testing"

	"github.com/sbinet/npyio"

	"github.com/octet-dnn/octet/model"
)

// readNpy reads an array of float32, int64, int8 or uint8.
func readNpy(t testing.TB, path string) *model.Tensor {
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
	var dims []int64
	for _, d := range r.Header.Descr.Shape {
		dims = append(dims, int64(d))
	}
	var out *model.Tensor
	switch typ := r.Header.Descr.Type; typ {
	case "<f4":
		var x []float32
		err = r.Read(&x)
		if err == nil {
			out, err = model.Float32Tensor(x, dims...)
		}
	case "<i8":
		var x []int64
		err = r.Read(&x)
		if err == nil {
			out, err = model.Int64Tensor(x, dims...)
		}
	case "|u1", "|i1":
		var x []uint8
		if typ == "|i1" {
			var s []int8
			err = r.Read(&s)
			for _, v := range s {
				x = append(x, uint8(v))
			}
			out = &model.Tensor{DType: model.Int8, Dims: dims, Data: x}
		} else {
			err = r.Read(&x)
			out = &model.Tensor{DType: model.UInt8, Dims: dims, Data: x}
		}
	default:
		t.Fatalf("%s: element type %q", path, typ)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return out
}
